"""Transfer of attention: the earlier path of `clippings.training.attention_transfer`."""

from clippings.training.attention_transfer import relayered, transfer_loss

__all__ = ["relayered", "transfer_loss"]
