"""Attention transfer: linear attention imitates full attention before the model is trained.

A contrastive loss on whole records gives a linear branch little signal for each token; the attention of a
trained encoder gives one for every place. As in M. Zhang et al., The hedgehog and the porcupine (2024), the
attention shares are compared, and not only the outputs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from clippings.errors import EncoderError
from clippings.training.long_training import relative_distance
from clippings.training.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor

    from clippings.layers.window_attention import Places

__all__ = ["relayered", "transfer_loss"]

CHANGES = {"mixers", "window", "features", "gate", "centred"}
PAIRS = 2**25  # of places, whose shares are compared in a step
TINY = 1e-30


def relayered(model: Any, **changes: Any) -> Any:
    """Give an encoder of long records layers of other kinds; its weights stay what they are.

    New linear branches begin as in `based_convert.convert`, from the queries and keys that stood there.

    Args:
        model: A SentenceTransformer whose first module is a `BasedBertModel` with exact attention in each
            layer ("full" or "window"); it is not changed.
        changes: Of its `BasedBertConfig`: "mixers", "window", "features", "gate", "centred".

    Returns:
        Another SentenceTransformer.

    Raises:
        EncoderError: It is no such model, or other settings are changed.
    """
    import tempfile

    from clippings.long.model import MODEL_TYPE, BasedBertConfig, BasedBertModel
    from clippings.third_party import no_bars

    body = getattr(model[0], "auto_model", None)
    config: Any = getattr(body, "config", None)
    if getattr(config, "model_type", None) != MODEL_TYPE or not set(config.mixers) <= {"full", "window"}:
        raise EncoderError(
            "Layers are changed in an encoder of long records with exact attention in each. Given: "
            f"{getattr(config, 'model_type', type(model).__name__)!r} with "
            f"{getattr(config, 'mixers', None)}. Give one that was converted with mixers='full'."
        )
    if unknown := set(changes) - CHANGES:
        raise EncoderError(
            f"Such settings do not change layers. Given: {sorted(unknown)}. Give some of {sorted(CHANGES)}."
        )
    if len(changes.get("mixers", config.mixers)) != len(config.mixers):
        raise EncoderError(
            f"The model has {len(config.mixers)} layers. Given: {len(changes['mixers'])} kinds. Give one "
            "for each."
        )
    relayed = BasedBertModel(BasedBertConfig(**{**config.to_dict(), **changes}))
    _copy(body, relayed)
    library = import_module("sentence_transformers")
    with tempfile.TemporaryDirectory() as folder, no_bars():
        model.tokenizer.save_pretrained(folder)
        relayed.save_pretrained(folder, safe_serialization=True)
        first = type(model[0])(folder, max_seq_length=model.max_seq_length)
    return library.SentenceTransformer(modules=[first, *list(model)[1:]], device=str(model.device))


def _copy(teacher: Any, student: Any) -> None:
    """Copy the weights, and start linear branches from the teacher's queries and keys."""
    from clippings.layers.window_attention import Places
    from clippings.long.convert import begin_features
    from clippings.long.feature_maps import random_words

    torch = import_module("torch")
    student.load_state_dict(teacher.state_dict(), strict=False)
    ids = random_words(teacher.config.vocab_size, teacher.config.position_table)
    training, device = teacher.training, next(teacher.parameters()).device
    teacher.eval()
    with torch.no_grad():
        places = Places(torch.full((len(ids),), ids.shape[1], device=device), ids.shape[1], False)
        x = teacher.embed(ids.to(device))
        for old, new in zip(teacher.layers, student.layers, strict=True):
            if hasattr(new.mixer, "feature_query"):
                begin_features(old.mixer, new.mixer, ids, x.float())
            x = old(x, places)
    teacher.train(training)


def transfer_loss(model: Trainable, ids: Tensor, lengths: Tensor, taught: Trainable | None = None) -> Tensor:
    """Distance of the layers from full attention: of their outputs, and of the shares of linear branches.

    Every layer gets the input of the exact one, so that layers learn independently. Outputs are compared by
    their squared distance as a share of the exact ones (M. Zhang et al., LoLCATs, 2024), linear shares by
    their divergence in nats, outside of the window where there is one. Queries that look at few places weigh
    more, by the mean share of these places.

    Args:
        model: The model that learns, an encoder for long records.
        ids: Tokens, (n, t) int64, padded at the end. All pairs of positions are formed, of the first records
            if there are many: use short records.
        lengths: Number of tokens of each record, (n,) int64.
        taught: An encoder of the same sizes with exact attention, which is not trained; None takes the
            model's own layers for short records.

    Returns:
        The sum of the losses of the layers, a scalar with gradient.

    Raises:
        EncoderError: All layers of the model have full attention, so that nothing is to be learned, or one
            that a linear branch should imitate has not.
    """
    from clippings.layers.window_attention import Places

    torch = import_module("torch")
    body = model.model[0].auto_model
    guide = body if taught is None else taught.model[0].auto_model
    exact_layers = body.short_layers if taught is None else guide.layers
    places = Places(lengths, ids.shape[1], bool((lengths < ids.shape[1]).any()))
    some = max(1, PAIRS // ids.shape[1] ** 2)
    few = Places(lengths[:some], ids.shape[1], places.padded)
    losses = []
    with torch.autocast(model.device.partition(":")[0], dtype=torch.bfloat16, enabled=model.half):
        with torch.no_grad():
            x = guide.embed(ids)
        for layer, exact in zip(body.layers, exact_layers, strict=True):
            with torch.no_grad():
                target = exact.mixer(x, places).float()
            if layer.mixer.kind != "full":
                output = layer.mixer(x, places).float()
                losses.append(relative_distance(output, target, places.mask[:, :, None]))
            if layer.mixer.kind in ("based", "linear"):
                if exact.mixer.kind != "full":
                    raise EncoderError(
                        f"A linear branch imitates full attention. Given: a layer {exact.mixer.kind!r}. "
                        "Give an encoder that was taught with mixers='full'."
                    )
                losses.append(_divergence(layer.mixer, exact.mixer, x[:some], few))
            with torch.no_grad():
                x = exact(x, places)
    if not losses:
        raise EncoderError(
            "There is nothing to imitate. Given: full attention in each layer. Leave this out."
        )
    total: Tensor = torch.stack(losses).sum()
    return total


def _divergence(linear: Any, exact: Any, x: Tensor, places: Places) -> Tensor:
    """KL divergence of the linear shares of two mixers from the exact ones, the mean over heads."""
    from clippings.layers.attention import rotate

    torch = import_module("torch")
    mask, t = places.mask, places.t
    mixed = x + linear.near(x, places)
    q, k = linear._heads(linear.feature_query(mixed)), linear._heads(linear.feature_key(mixed))
    gate = linear.key_gate(x).float().transpose(1, 2)
    with torch.autocast(x.device.type, enabled=False):
        with torch.no_grad():
            exact_q, exact_k = (exact._heads(part(x.float())) for part in (exact.query, exact.key))
            if exact.shape.rotary:
                exact_q, exact_k = rotate(exact_q), rotate(exact_k)
            product = exact_q @ exact_k.transpose(-1, -2) / exact_q.shape[-1] ** 0.5
            share = product.masked_fill(~mask[:, None, None], -torch.inf).softmax(dim=-1)
            if linear.kind == "based":
                at = torch.arange(t, device=x.device)
                share = share * ((at[:, None] - at[None]).abs() > linear.shape.window)
            sharp = share.square().sum(dim=-1, keepdim=True) * mask[:, None, :, None]
            share *= sharp / sharp.sum(dim=(0, 2), keepdim=True).clamp_min(TINY)
            whole = share.sum(dim=-1, keepdim=True).clamp_min(TINY)
            least = torch.special.xlogy(share, share / whole).sum(dim=(0, 2, 3)).mean()
        s = q.float() @ k.float().transpose(-1, -2) / q.shape[-1] ** 0.5
        logits = (1 + s + s * s / 2).log() + torch.nn.functional.logsigmoid(gate)[:, :, None]
        linear_share = logits.masked_fill(~mask[:, None, None], -1e9).log_softmax(dim=-1)
        divergence: Tensor = least - (share * linear_share).sum(dim=(0, 2, 3)).mean()
        return divergence
