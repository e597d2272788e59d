"""A short pretrained encoder becomes one for long records, with its weights as initial ones.

A record of at most 512 tokens goes through the original layers, so that its vector is the original's. A
longer one goes through copies of them whose attention is a window, some with a linear branch beside it that
is switched off at first. The copies are then trained (`training.long_training`); the originals are not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from clippings.errors import EncoderError
from clippings.long.feature_maps import code_maps, hidden_states, softmax_maps
from clippings.third_party import no_bars

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

    from clippings.long.layers import BasedLayer, Mixer
    from clippings.long.model import BasedBertConfig, BasedBertModel

__all__ = ["Plan", "convert", "pattern"]

LONGEST = 32768


@dataclass(frozen=True, slots=True)
class Plan:
    """The model that a short one is converted to.

    Args:
        mixers: The kind of each layer, as `pattern` gives it for one word, or as many words as layers.
        window: Places to either side that a place attends to.
        features: Width of the queries and keys of linear attention.
        gate: Initial weight of the linear branch, before the tanh; 0 switches it off.
        pooling: "mean" or "attention"; initially both are the mean.
        own_short: Keep the original layers for records that fit them.
        max_tokens: Tokens that a record may have.
        centred: Whether the linear branch gives the deviation from the mean, see `layers.Shape`.
    """

    mixers: str | Sequence[str] = "based"
    window: int = 64
    features: int = 16
    gate: float = 0.0
    pooling: str = "attention"
    own_short: bool = True
    max_tokens: int = LONGEST
    centred: bool = False


def pattern(name: str, layers: int) -> list[str]:
    """The kinds of the layers of a known pattern.

    Args:
        name: "window", "linear" or "full": all layers alike. "based": windows, with a linear branch beside
            them in half of the layers: every second one after the first two, and the last; in an encoder
            with full attention that has learned to follow a mark these are the ones that look far.
            "based+full": the same, but for one full layer, the last but one. "window+full": windows but for
            that layer. "alternate": windows and linear layers in turn, as published. "third": every third
            layer is full, from the first on.
        layers: How many.

    Returns:
        As many kinds.

    Raises:
        EncoderError: No such pattern.

    Example:
        >>> pattern("window+full", 6)
        ['window', 'window', 'window', 'window', 'full', 'window']
        >>> pattern("based", 6)
        ['window', 'window', 'based', 'window', 'based', 'based']
    """
    far = ["based" if (i > 1 and i % 2 == 0) or i == layers - 1 else "window" for i in range(layers)]
    patterns = {
        "based": far,
        "based+full": ["full" if i == max(0, layers - 2) else kind for i, kind in enumerate(far)],
        "window": ["window"] * layers,
        "linear": ["linear"] * layers,
        "alternate": ["linear" if i % 2 else "window" for i in range(layers)],
        "full": ["full"] * layers,
        "window+full": ["full" if i == max(0, layers - 2) else "window" for i in range(layers)],
        "third": ["window" if i % 3 else "full" for i in range(layers)],
    }
    if name not in patterns:
        raise EncoderError(
            f"There is no such pattern of layers. Given: {name!r}. Give one of {sorted(patterns)}."
        )
    return patterns[name]


def convert(model: SentenceTransformer, plan: Plan) -> SentenceTransformer:
    """Make an encoder of long records of a short one.

    Args:
        model: A SentenceTransformer whose first module is a BERT; it is not changed.
        plan: What to.

    Returns:
        Another SentenceTransformer; of records up to the tokens that the first was made for, its vectors are
        the same where `plan.own_short`.

    Raises:
        EncoderError: It is not a BERT with absolute positions.
    """
    from clippings.long.model import BasedBertModel, register

    register()
    body = getattr(model[0], "auto_model", None)
    config: Any = getattr(body, "config", None)
    if getattr(config, "model_type", None) != "bert" or config.hidden_act != "gelu":
        raise EncoderError(
            f"Only a BERT can be converted. Given: {getattr(config, 'model_type', type(model).__name__)!r}. "
            "Give a sentence-transformers model whose first module is one, such as all-MiniLM-L6-v2."
        )
    converted = BasedBertModel(_config(config, plan))
    copy_weights(body, converted)
    tokenizer = model.tokenizer
    before = tokenizer.model_max_length, getattr(tokenizer, "padding_side", "right")
    with tempfile.TemporaryDirectory() as folder, no_bars():
        try:
            tokenizer.model_max_length, tokenizer.padding_side = plan.max_tokens, "right"
            tokenizer.save_pretrained(folder)
        finally:
            tokenizer.model_max_length, tokenizer.padding_side = before
        converted.save_pretrained(folder, safe_serialization=True)
        first = type(model[0])(folder, max_seq_length=plan.max_tokens)
    package = import_module("sentence_transformers")
    modules = [first, *list(model)[1:]]
    encoder: SentenceTransformer = package.SentenceTransformer(modules=modules, device=str(model.device))
    return encoder


def _config(config: Any, plan: Plan) -> BasedBertConfig:
    from clippings.long.model import BasedBertConfig

    layers = config.num_hidden_layers
    mixers = pattern(plan.mixers, layers) if isinstance(plan.mixers, str) else list(plan.mixers)
    if len(mixers) != layers:
        raise EncoderError(f"The model has {layers} layers. Given: {len(mixers)} kinds. Give one for each.")
    return BasedBertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        mixers=mixers,
        window=plan.window,
        features=plan.features,
        gate=plan.gate,
        position_table=config.max_position_embeddings,
        max_position_embeddings=plan.max_tokens,
        full_below=config.max_position_embeddings if plan.own_short else 0,
        own_short=plan.own_short,
        pooling=plan.pooling,
        hidden_dropout_prob=config.hidden_dropout_prob,
        layer_norm_eps=config.layer_norm_eps,
        pad_token_id=config.pad_token_id,
        centred=plan.centred,
    )


def copy_weights(bert: Any, based: BasedBertModel) -> None:
    """Copy the weights of a `BertModel` into a `BasedBertModel` of the same sizes.

    Places beyond the table repeat it. `feature_maps` computes the initial maps of linear attention.
    """
    torch = import_module("torch")
    with torch.no_grad():
        table = bert.embeddings
        based.tokens.weight.copy_(table.word_embeddings.weight)
        # there is one token type, whose embedding is added to those of the places
        based.places.weight.copy_(table.position_embeddings.weight + table.token_type_embeddings.weight[:1])
        based.norm.load_state_dict(table.LayerNorm.state_dict())
        targets = [based.layers, *([based.short_layers] if hasattr(based, "short_layers") else [])]
        linear = any(hasattr(layer.mixer, "feature_query") for layers in targets for layer in layers)
        ids: Tensor | None = None
        states: Sequence[Tensor | None] = [None] * len(based.layers)
        if linear:
            ids, states = hidden_states(bert)
        for layers in targets:
            for source, module, x in zip(bert.encoder.layer, layers, states, strict=True):
                target = cast("BasedLayer", module)
                _copy_layer(source, target)
                if ids is not None and x is not None and hasattr(target.mixer, "feature_query"):
                    begin_features(source.attention.self, target.mixer, ids, x)


def _copy_layer(bert: Any, based: BasedLayer) -> None:
    attention = bert.attention.self
    pairs = [
        (attention.value, based.mixer.value),
        (bert.attention.output.dense, based.outward),
        (bert.attention.output.LayerNorm, based.mixer_norm),
        (bert.intermediate.dense, based.widen),
        (bert.output.dense, based.narrow),
        (bert.output.LayerNorm, based.norm),
    ]
    if based.mixer.kind != "linear":
        pairs += [(attention.query, based.mixer.query), (attention.key, based.mixer.key)]
    for source, target in pairs:
        target.load_state_dict(source.state_dict())


def begin_features(attention: Any, mixer: Mixer, ids: Tensor, x: Tensor) -> None:
    """Initialise linear attention: the softmax's products in every other head, codes of words in the rest.

    `attention` has the softmax's queries and keys; `ids` and `x` as in `feature_maps.code_maps`.
    """
    heads, features = mixer.shape.heads, mixer.shape.features
    maps = softmax_maps(attention.query.weight, attention.key.weight, heads, features)
    codes = code_maps(ids, x, heads // 2, features)
    for target, weight in zip((mixer.feature_query, mixer.feature_key), maps, strict=True):
        by_head = weight.view(heads, features, -1)
        by_head[1::2] = codes.view(heads // 2, features, -1).to(by_head)
        target.weight.copy_(weight)
