"""BASED as a model of transformers, which sentence-transformers loads, trains and saves as any other.

Importing this module needs torch and transformers; `register` adds its type to them, so that a model's
folder needs no code. Nothing imports it before a model of sentence-transformers is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from clippings.errors import EncoderError
from clippings.layers.window_attention import Places
from clippings.long.inference import embedded, encoded, precision
from clippings.long.layers import (
    KINDS,
    BasedLayer,
    GatedConvolution,
    Mixer,
    Shape,
    ZeroLinear,
    attention_pooling,
)

__all__ = ["MODEL_TYPE", "BasedBertConfig", "BasedBertModel", "register"]

MODEL_TYPE = "based_bert"
POSITIONS = ("tiled", "rotary")
POOLINGS = ("mean", "attention")
AT_ONCE = {"cpu": 2**14, "cuda": 2**18}  # tokens encoded at a time where no gradients are wanted


class BasedBertConfig(PretrainedConfig):  # type: ignore[no-untyped-call]  # transformers has few types
    """The shape of a model, in its config.json.

    Args:
        vocab_size: Tokens.
        hidden_size: Width of the sequence.
        num_attention_heads: Heads.
        intermediate_size: Inner width of the feed-forward parts.
        mixers: The kind of each layer, "full", "window", "linear" or "based"; their number is that of the
            layers.
        window: Places to either side that a place attends to.
        features: Width of the queries and keys of linear attention; with `window` the dial between recall and
            cost.
        feature_form: "symmetric" or "full".
        gate: Initial weight of the linear branch of a "based" layer, before the tanh; 0 switches it off.
        positions: "tiled": a table that is repeated after `position_table` places; "rotary": by angles.
        position_table: Its places.
        max_position_embeddings: Tokens that a record may have.
        full_below: A record of at most so many tokens has full attention in every layer.
        own_short: Whether those records have layers of their own, unchanged by training on long ones.
        pooling: "mean", or "attention": places are weighed before the mean (not of records with full
            attention).
        hidden_dropout_prob: Share of numbers dropped in training.
        layer_norm_eps: Of the normalisations.
        initializer_range: Spread of fresh weights.
        pad_token_id: The token of the padding.
        centred: Whether the linear branch gives the deviation from the mean, see `Shape`.
        kwargs: Settings that transformers has in every configuration.

    Raises:
        ValueError: A value cannot work.

    Example:
        >>> config = BasedBertConfig(hidden_size=8, num_attention_heads=2, mixers=["window", "based"])
        >>> config.num_hidden_layers
        2
    """

    model_type = MODEL_TYPE

    def __init__(
        self,
        vocab_size: int = 30522,
        hidden_size: int = 384,
        num_attention_heads: int = 12,
        intermediate_size: int = 1536,
        mixers: Sequence[str] = ("window", "window", "based", "window", "based", "based"),
        window: int = 64,
        features: int = 16,
        feature_form: str = "symmetric",
        gate: float = 0.0,
        positions: str = "tiled",
        position_table: int = 512,
        max_position_embeddings: int = 32768,
        full_below: int = 0,
        own_short: bool = False,
        pooling: str = "mean",
        hidden_dropout_prob: float = 0.1,
        layer_norm_eps: float = 1e-12,
        initializer_range: float = 0.02,
        pad_token_id: int = 0,
        centred: bool = False,
        **kwargs: Any,
    ) -> None:
        for name, value, values in (
            *(("mixers", kind, KINDS) for kind in mixers),
            ("positions", positions, POSITIONS),
            ("pooling", pooling, POOLINGS),
        ):
            if value not in values:
                raise ValueError(f"{name} holds {value!r}, which is unknown. Give one of {values}.")
        if full_below and not own_short and "linear" in mixers:
            raise ValueError(
                "full_below needs queries of exact attention, and a 'linear' layer has none. Give "
                "own_short=True."
            )
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.num_attention_heads, self.intermediate_size = num_attention_heads, intermediate_size
        self.mixers, self.num_hidden_layers = list(mixers), len(mixers)
        self.window, self.features, self.feature_form, self.gate = window, features, feature_form, gate
        self.positions, self.position_table = positions, position_table
        self.max_position_embeddings = max_position_embeddings
        self.full_below, self.own_short, self.pooling = full_below, own_short, pooling
        self.hidden_dropout_prob, self.layer_norm_eps = hidden_dropout_prob, layer_norm_eps
        self.initializer_range, self.centred = initializer_range, centred
        kwargs.pop("num_hidden_layers", None)
        super().__init__(**kwargs)
        self.pad_token_id = pad_token_id

    def shape(self) -> Shape:
        """The settings that the layers share."""
        return Shape(
            self.hidden_size,
            self.num_attention_heads,
            self.intermediate_size,
            self.window,
            self.features,
            self.feature_form,
            self.positions == "rotary",
            self.gate,
            self.hidden_dropout_prob,
            self.layer_norm_eps,
            self.centred,
        )


class BasedBertModel(PreTrainedModel):  # type: ignore[no-untyped-call]  # as above
    """The encoder: tokens in, a row for every token out.

    `window_dropout` is, in training, the share of records whose windows are left out of a "based" layer.
    """

    config_class = BasedBertConfig
    base_model_prefix = "based"
    supports_gradient_checkpointing = True
    _no_split_modules = ["BasedLayer"]  # noqa: RUF012 - transformers wants a list

    def __init__(self, config: BasedBertConfig) -> None:
        super().__init__(config)
        shape = config.shape()
        self.tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        if config.positions == "tiled":
            self.places = nn.Embedding(config.position_table, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.layers = nn.ModuleList(BasedLayer(shape, kind) for kind in config.mixers)
        if config.full_below and config.own_short:
            self.short_layers = nn.ModuleList(BasedLayer(shape, "full") for _ in config.mixers)
        if config.pooling == "attention":
            self.pool = ZeroLinear(config.hidden_size, config.num_attention_heads)
        self.gradient_checkpointing = False
        self.post_init()  # type: ignore[no-untyped-call]  # as above

    def _init_weights(self, module: nn.Module) -> None:
        # torch's functions: transformers keeps them from overwriting loaded weights
        if isinstance(module, ZeroLinear):
            module.reset_parameters()
        elif isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, GatedConvolution):
            nn.init.constant_(module.along, 1 / 3)
        elif isinstance(module, Mixer) and module.kind == "based":
            nn.init.constant_(module.gate, self.config.gate)

    def get_input_embeddings(self) -> nn.Module:
        """The embedding layer of the tokens."""
        return self.tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the embedding layer of the tokens."""
        self.tokens = value  # type: ignore[assignment]  # any module that maps numbers to rows

    @property
    def window_dropout(self) -> float:
        """In training, the share of records whose windows are left out of a "based" layer."""
        return max((mixer.window_dropout for mixer in self.mixers()), default=0.0)

    @window_dropout.setter
    def window_dropout(self, share: float) -> None:
        for mixer in self.mixers():
            mixer.window_dropout = float(share)

    def mixers(self) -> list[Mixer]:
        """The mixer of each layer of long records, in order."""
        return [layer.mixer for layer in self.layers if isinstance(layer, BasedLayer)]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        return_dict: bool | None = None,
        **_: object,
    ) -> BaseModelOutput | tuple[Tensor]:
        """Encode records: ids (n, t) int64, padded at the end, to (n, t, hidden_size).

        Rows at padding are arbitrary.

        Records of similar length are encoded together, padded only as far as they need. `attention_mask` is
        (n, t), 1 for tokens; None for no padding. Raises `EncoderError` if padding stands before tokens.
        """
        n, t = input_ids.shape
        lengths, counts = _lengths(input_ids, attention_mask)
        groups = list(self._groups(counts, input_ids.device.type))
        if len(groups) == 1 and max(counts, default=0) == t:
            out = self.run(input_ids, lengths, min(counts, default=t) < t, groups[0][1])
        else:
            out = torch.zeros(
                (n, t, self.config.hidden_size), dtype=self.norm.weight.dtype, device=self.device
            )
            for rows, short in groups:
                some = torch.tensor(rows, device=input_ids.device)
                longest = max(1, *(counts[row] for row in rows))
                padded = min(counts[row] for row in rows) < longest
                part = self.run(input_ids[some, :longest], lengths[some], padded, short)
                out[some, :longest] = part.to(out.dtype)
        return BaseModelOutput(last_hidden_state=out) if return_dict in (None, True) else (out,)

    def _groups(self, counts: list[int], device: str) -> Iterator[tuple[list[int], bool]]:
        """Rows to encode together, and whether with full attention."""
        limit = None if torch.is_grad_enabled() else AT_ONCE.get(device, AT_ONCE["cpu"])
        short = [row for row, count in enumerate(counts) if count <= self.config.full_below]
        long = [row for row, count in enumerate(counts) if count > self.config.full_below]
        for rows, full in ((short, True), (long, False)):
            if not rows:
                continue
            if limit is None or len(rows) * max(counts[row] for row in rows) <= limit:
                yield rows, full
                continue
            rows = sorted(rows, key=lambda row: -counts[row])
            while rows:
                some = max(1, limit // max(1, counts[rows[0]]))
                yield rows[:some], full
                rows = rows[some:]

    def embed(self, ids: Tensor) -> Tensor:
        """Normalised embeddings (n, t, hidden_size) of ids (n, t), with positions where they are tiled."""
        x = self.tokens(ids)
        if self.config.positions == "tiled":
            x = x + self.places(torch.arange(ids.shape[1], device=ids.device) % self.config.position_table)
        out: Tensor = self.dropout(self.norm(x))
        return out

    def run(self, ids: Tensor, lengths: Tensor, padded: bool, short: bool) -> Tensor:
        """Encode records that all have full attention (`short`), or all do not; (n, t, hidden_size)."""
        places = Places(lengths, ids.shape[1], padded)
        own = short and self.config.own_short
        layers, full = self.short_layers if own else self.layers, short and not own
        places_table = self.places if self.config.positions == "tiled" else None
        around = [self.tokens, self.norm, *([] if places_table is None else [places_table])]
        half = precision(list(layers), around)
        if half is not None:
            x = encoded(list(layers), embedded(ids, half, self.tokens, places_table, self.norm), places, full)
        else:
            x = self.embed(ids)
            for layer in layers:
                if self.gradient_checkpointing and self.training:
                    x = self._gradient_checkpointing_func(layer.__call__, x, places, full)
                else:
                    x = layer(x, places, full)
        if self.config.pooling == "attention" and not short:
            x = attention_pooling(x, self.pool(x), places)
        out: Tensor = x
        return out


def _lengths(ids: Tensor, mask: Tensor | None) -> tuple[Tensor, list[int]]:
    n, t = ids.shape
    if mask is None:
        return torch.full((n,), t, device=ids.device), [t] * n
    lengths = (mask > 0).sum(dim=1)
    gaps = ((mask > 0) != (torch.arange(t, device=mask.device)[None] < lengths[:, None])).any()
    *counts, gap = torch.cat([lengths, gaps[None].to(lengths.dtype)]).tolist()  # one synchronisation
    if gap:
        raise EncoderError(
            "Padding stands before tokens. Given: an attention mask with zeros before ones. Pad at the end: "
            "tokenizer.padding_side = 'right'."
        )
    return lengths, counts


def register() -> None:
    """Register the model with transformers; repeated calls are harmless."""
    AutoConfig.register(MODEL_TYPE, BasedBertConfig, exist_ok=True)
    AutoModel.register(BasedBertConfig, BasedBertModel, exist_ok=True)
