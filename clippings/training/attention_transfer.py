"""Linear attention learns where full attention looks, before it is trained by itself.

A contrast of whole records hardly tells a linear branch which word it should have looked at; the attention
of an encoder that has learned the task says it for every place. As in M. Zhang et al., The hedgehog and the
porcupine (2024), shares are brought near to shares, and not only what comes of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from clippings.errors import EncoderError
from clippings.training.trainable import Trainable

if TYPE_CHECKING:
    from torch import Tensor

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
    made = BasedBertModel(BasedBertConfig(**{**config.to_dict(), **changes}))
    _copy(body, made)
    found = import_module("sentence_transformers")
    with tempfile.TemporaryDirectory() as folder, no_bars():
        model.tokenizer.save_pretrained(folder)
        made.save_pretrained(folder, safe_serialization=True)
        first = type(model[0])(folder, max_seq_length=model.max_seq_length)
    return found.SentenceTransformer(modules=[first, *list(model)[1:]], device=str(model.device))


def _copy(taught: Any, made: Any) -> None:
    from clippings.layers.window_attention import Places
    from clippings.long.convert import begin_features
    from clippings.long.feature_maps import random_words

    torch = import_module("torch")
    made.load_state_dict(taught.state_dict(), strict=False)
    ids = random_words(taught.config.vocab_size, taught.config.position_table)
    training, device = taught.training, next(taught.parameters()).device
    taught.eval()
    with torch.no_grad():
        places = Places(torch.full((len(ids),), ids.shape[1], device=device), ids.shape[1], False)
        x = taught.embed(ids.to(device))
        for theirs, ours in zip(taught.layers, made.layers, strict=True):
            if hasattr(ours.mixer, "feature_query"):
                begin_features(theirs.mixer, ours.mixer, ids, x.float())
            x = theirs(x, places)
    taught.train(training)


def transfer_loss(model: Trainable, ids: Tensor, lengths: Tensor, taught: Trainable | None = None) -> Tensor:
    """How far the layers are from full attention: in what they give, and in where linear branches look.

    Every layer is given what the exact one before it gave, so that layers learn beside each other. What a
    layer gives is compared by its squared distance, as a share of what there is (M. Zhang et al., LoLCATs,
    2024). The shares of a linear branch are compared outside of the window where there is one; queries that
    look at little count more, by the mean share of what they look at: to be spread over everything needs
    no learning.

    Args:
        model: What learns.
        ids: Tokens, (n, t) int64, padded at the end. All pairs of places are formed, of the first records
            if they are many: short records are wanted.
        lengths: Of each, (n,) int64.
        taught: An encoder of the same sizes with exact attention, not trained; None takes the model's own
            layers for short records.

    Returns:
        A number: the sum over layers of the squared distance, 0 where nothing differs, and of the divergence
        of linear shares from exact ones in nats, 0 where a "linear" layer looks alike; beside a window what
        a branch spends on places inside of it adds to it.

    Raises:
        EncoderError: Every layer is exact already, or one that is to be imitated is not.
    """
    from clippings.layers.window_attention import Places

    torch = import_module("torch")
    body = model.model[0].auto_model
    guide = body if taught is None else taught.model[0].auto_model
    exact = body.short_layers if taught is None else guide.layers
    places = Places(lengths, ids.shape[1], bool((lengths < ids.shape[1]).any()))
    some = max(1, PAIRS // ids.shape[1] ** 2)
    few = Places(lengths[:some], ids.shape[1], places.padded)
    losses = []
    with torch.autocast(model.device.partition(":")[0], dtype=torch.bfloat16, enabled=model.half):
        with torch.no_grad():
            x = guide.embed(ids)
        for ours, theirs in zip(body.layers, exact, strict=True):
            with torch.no_grad():
                wanted = theirs.mixer(x, places).float()
            if ours.mixer.kind != "full":
                keep = places.mask[:, :, None]
                found = ours.mixer(x, places).float()
                losses.append(((found - wanted).square() * keep).sum() / (wanted.square() * keep).sum())
            if ours.mixer.kind in ("based", "linear"):
                if theirs.mixer.kind != "full":
                    raise EncoderError(
                        f"A linear branch imitates full attention. Given: a layer {theirs.mixer.kind!r}. "
                        "Give an encoder that was taught with mixers='full'."
                    )
                losses.append(_divergence(ours.mixer, theirs.mixer, x[:some], few))
            with torch.no_grad():
                x = theirs(x, places)
    if not losses:
        raise EncoderError(
            "There is nothing to imitate. Given: full attention in each layer. Leave this out."
        )
    made: Tensor = torch.stack(losses).sum()
    return made


def _divergence(ours: Any, theirs: Any, x: Any, places: Any) -> Any:
    """Of the linear shares from the exact ones, the mean over heads."""
    from clippings.layers.attention import rotate

    torch = import_module("torch")
    mask, t = places.mask, places.t
    seen = x + ours.near(x, places)
    q, k = ours._heads(ours.feature_query(seen)), ours._heads(ours.feature_key(seen))
    gate = ours.key_gate(x).float().transpose(1, 2)
    with torch.autocast(x.device.type, enabled=False):
        with torch.no_grad():
            exact_q, exact_k = (theirs._heads(part(x.float())) for part in (theirs.query, theirs.key))
            if theirs.shape.rotary:
                exact_q, exact_k = rotate(exact_q), rotate(exact_k)
            product = exact_q @ exact_k.transpose(-1, -2) / exact_q.shape[-1] ** 0.5
            share = product.masked_fill(~mask[:, None, None], -torch.inf).softmax(dim=-1)
            if ours.kind == "based":
                at = torch.arange(t, device=x.device)
                share = share * ((at[:, None] - at[None]).abs() > ours.shape.window)
            sharp = share.square().sum(dim=-1, keepdim=True) * mask[:, None, :, None]
            share *= sharp / sharp.sum(dim=(0, 2), keepdim=True).clamp_min(TINY)
            whole = share.sum(dim=-1, keepdim=True).clamp_min(TINY)
            least = torch.special.xlogy(share, share / whole).sum(dim=(0, 2, 3)).mean()
        s = q.float() @ k.float().transpose(-1, -2) / q.shape[-1] ** 0.5
        heard = (1 + s + s * s / 2).log() + torch.nn.functional.logsigmoid(gate)[:, :, None]
        heard = heard.masked_fill(~mask[:, None, None], -1e9).log_softmax(dim=-1)
        return least - (share * heard).sum(dim=(0, 2, 3)).mean()
