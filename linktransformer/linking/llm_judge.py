"""merge_k_judge: the nearest right rows of every left row, matched or not by a language model."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.threshold import is_number
from linktransformer.encoding import model_plan
from linktransformer.encoding.remote import chat
from linktransformer.encoding.remote.chat import Answers, Prompts
from linktransformer.encoding.remote.client import Patience
from linktransformer.encoding.remote.endpoint import chat_endpoint, is_remote
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.joining import with_unpaired
from linktransformer.linking.llm_verdict import FORM, QUESTION, Verdict, read_verdict
from linktransformer.linking.merge import link
from linktransformer.linking.options import BlockColumns, Columns, K, Model, Suffixes
from linktransformer.progress import displayed
from linktransformer.results.link_values import REASONS
from linktransformer.results.links import Links
from linktransformer.tables import frames, records
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.serialize import Serializer

__all__ = ["merge_k_judge", "merge_knn_openai", "merge_knn_with_llm"]

logger = logging.getLogger(__name__)

_NAMES = ("llm_is_match", "llm_confidence", "llm_raw_response", "llm_error")


@displayed
def merge_k_judge(
    df1: IntoDataFrame,
    df2: IntoDataFrame,
    on: Columns = None,
    k: int = 3,
    judge_llm_model: str | None = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    model: Model = None,
    knn_sbert_model: Model = None,
    knn_api_model: str | None = None,
    suffixes: Suffixes = ("_x", "_y"),
    drop_sim_threshold: float | None = None,
    llm_provider: str = "auto",
    llm_prompt: str | None = None,
    llm_params: Mapping[str, object] | None = None,
    confidence_threshold: float | None = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    base_url: str | None = None,
    max_retries: int = 5,
    ratelimit_sleep_time: float = 1.0,
    timeout: float = 120.0,
    concurrency: int = 8,
    cache: str | os.PathLike[str] | bool | None = None,
    dry_run: bool = False,
    return_usage: bool = False,
    embedding_cache: object = None,
    block_on: BlockColumns = None,
    device: str | None = None,
    batch_size: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Put each left row beside its k nearest right rows, and ask a language model which of them match.

    Args:
        df1: A pandas or polars DataFrame or a pyarrow Table.
        df2: Another one of the same library.
        on: Key column or columns of both tables. None without `left_on` and `right_on`: the text columns that
            both have. Only the key columns are sent.
        k: Right rows that are judged for each left row.
        judge_llm_model: "openai:NAME", "gemini:NAME" or only NAME; "@https://host/v1" may follow.
        left_on: Key columns of the left table, with `right_on` and in place of `on`.
        right_on: Key columns of the right table, with `left_on` and in place of `on`.
        model: What finds the nearest rows. None: character n-grams, and the bundled model where they leave
            doubt. "full": the bundled model for every record. "lexical": n-grams only. Or a folder,
            "org/name@revision", an object with `encode`.
        knn_sbert_model: Another name of `model`.
        knn_api_model: Another name of `model`, for remote embeddings: "openai:NAME" or NAME.
        suffixes: Added to column names that both tables have, left and right; default ("_x", "_y"). One may
            be None.
        drop_sim_threshold: Pairs that score less are not judged and not given back.
        llm_provider: Whose model a NAME by itself is: "openai", "gemini", or "auto" by the name.
        llm_prompt: What to ask, in place of our question; the form of the reply is added.
        llm_params: More for the request, such as {"max_tokens": 900}; None as a value leaves a key out.
        confidence_threshold: A match of less confidence, or of none, counts as no match.
        openai_key: A key for "openai:" models and for any `base_url`; None takes the one of the environment
            (docs/llm.md).
        gemini_key: A key for "gemini:" models; None takes the one of the environment.
        base_url: A server with an interface like OpenAI's.
        max_retries: How often a question is asked again when the server fails.
        ratelimit_sleep_time: Seconds before the first retry, doubled each time; a Retry-After goes first.
        timeout: Seconds for one answer.
        concurrency: Questions at a time.
        cache: Folder of the answers; None is the user's cache folder, False keeps none, nor vectors of a
            remote model.
        dry_run: Send nothing: count the questions and their length, and name the host.
        return_usage: Give back the usage too.
        embedding_cache: Keep the vectors of `model` on disk: True for the user's cache folder, a folder, or
            `CacheSettings`; None for no cache (docs/cache.md).
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time, None for the model's own number; it changes the speed, not the
            result.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        Left columns, right columns, score, and `llm_is_match` (1, 0, or null where nothing could be relied
        upon), `llm_confidence`, `llm_raw_response` and `llm_error`, which says why there is no verdict.
        Left order, best pair first; a left row without a pair comes once. With `return_usage` also the
        `Usage`; with `dry_run` only an `Estimate`.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work, or no key.
        TableTypeError: Not a table, or tables of two libraries.
        ModelError: The server refuses every question, or there is no such model.

    Example:
        >>> import pandas as pd
        >>> shop = pd.DataFrame({"name": ["Acme Anvil 20 lb"]})
        >>> other = pd.DataFrame({"name": ["Anvil, Acme, 20 pounds", "Acme rocket"]})
        >>> judge = "openai:small@http://127.0.0.1:8080/v1"
        >>> merge_k_judge(shop, other, on="name", judge_llm_model=judge, cache=False, dry_run=True).calls
        2
    """
    _check(k, drop_sim_threshold, confidence_threshold)
    endpoint = chat_endpoint(
        judge_llm_model,
        provider=llm_provider,
        openai_key=openai_key,
        gemini_key=gemini_key,
        base_url=base_url,
        argument="judge_llm_model",
    )
    patience = Patience(max_retries, ratelimit_sleep_time, timeout=timeout, at_once=concurrency)
    params = chat.checked_params(llm_params, "llm_params")
    finder = _finder(model, knn_sbert_model, knn_api_model)
    tables = frames.wrap(df1, "df1"), frames.wrap(df2, "df2")
    frames.check_beside(*tables, suffixes, [])  # before anything is paid for
    unkept = dry_run or (cache is False and embedding_cache is None)
    links = link(
        df1,
        df2,
        on,
        left_on=left_on,
        right_on=right_on,
        validate="m:m",
        threshold=drop_sim_threshold,
        k=max(K, k),
        model=model_plan.LEXICAL if dry_run and is_remote(finder) else finder,
        block_on=block_on,
        device=device,
        batch_size=batch_size,
        cache=False if unkept else embedding_cache,
        progress=progress,
    )
    near = np.flatnonzero(links.rank <= k)
    pairs = links.left_rows[near], links.right_rows[near]
    question = QUESTION if llm_prompt is None else llm_prompt
    prompts = Prompts(endpoint, f"{question}\n{FORM}", _texts(links, *pairs), params, "llm_params")
    if dry_run:
        return chat.estimate(prompts, cache)
    replies = chat.ask(prompts, patience, cache)
    table = _judged(links, pairs, links.score[near], replies, confidence_threshold, suffixes)
    return (table, replies.usage) if return_usage else table


merge_knn_with_llm = merge_k_judge
merge_knn_openai = merge_k_judge


def _check(k: object, drop_sim_threshold: object, confidence_threshold: object) -> None:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InvalidArgumentError(f"k={k!r} is not a number of rows. Give a whole number from 1.")
    thresholds = {"drop_sim_threshold": drop_sim_threshold, "confidence_threshold": confidence_threshold}
    for name, value in thresholds.items():
        if value is not None and not is_number(value):
            raise InvalidArgumentError(f"{name}={value!r} is not a number. Give such as 0.5, or None.")


def _finder(model: Model, local: Model, remote: str | None) -> Model:
    """The one model that the caller named for the nearest rows."""
    models = {"model": model, "knn_sbert_model": local, "knn_api_model": remote}
    named = [name for name, value in models.items() if value is not None]
    if len(named) > 1:
        raise InvalidArgumentError(f"{named[0]}= and {named[1]}= both name the model. Give one of them.")
    if remote is None:
        return model if local is None else local
    if is_remote(remote) or not isinstance(remote, str):
        return remote
    return f"{'gemini' if 'gemini' in remote else 'openai'}:{remote}"


def _texts(links: Links, left: Integers, right: Integers) -> list[str]:
    """The question for each pair: both rows' keys with their columns' names."""
    written = []
    for table, names, rows in (
        (links.left, links.details["left_on"], left),
        (links.right, links.details["right_on"], right),
    ):
        texts = records.read(table, names, Serializer(separator="\n", labels=True))
        written.append(texts.texts[texts.text_of_row[rows]].tolist())
    return [
        json.dumps({"record_1": one, "record_2": other}, ensure_ascii=False)
        for one, other in zip(*written, strict=True)
    ]


def _judged(
    links: Links,
    pairs: tuple[Integers, Integers],
    score: Floats,
    replies: Answers,
    lowest: float | None,
    suffixes: Suffixes,
) -> IntoDataFrame:
    """The pairs with their verdicts, and the left rows that have none, in left order."""
    verdicts = [
        Verdict(None, error=answer.error) if answer.text is None else read_verdict(answer.text)
        for answer in replies.answers
    ]
    left, pair = with_unpaired(pairs[0], links.left.n_rows)
    right, of_rows = np.append(pairs[1], -1)[pair], [*verdicts, Verdict(None)]
    of_rows = [of_rows[at] for at in pair.tolist()]
    texts = [*(answer.raw for answer in replies.answers), None]
    match = [None if v.is_match is None else _is_match(v, lowest) for v in of_rows]
    reasons = [REASONS[code] for code in links.left_reason[left].tolist()]
    columns: dict[str, NDArray[np.generic]] = {
        "score": np.append(score, np.float32(np.nan))[pair],
        _NAMES[0]: np.ma.masked_array(
            np.array([bool(value) for value in match], dtype=np.int64),
            mask=np.array([value is None for value in match], dtype=bool),
        ),
        _NAMES[1]: np.array([np.nan if v.confidence is None else v.confidence for v in of_rows], dtype=float),
        _NAMES[2]: _objects([texts[at] for at in pair.tolist()]),
        _NAMES[3]: _objects(
            [v.error if at >= 0 else why for v, at, why in zip(of_rows, pair.tolist(), reasons, strict=True)]
        ),
    }
    errors = sum(v.is_match is None for v in verdicts)
    if errors:
        logger.warning("%d of %d pairs have no verdict; see the column llm_error", errors, len(verdicts))
    taken = frames.check_beside(links.left, links.right, suffixes, [])
    names = [frames.free_name(name, [*taken[0], *taken[1]]) for name in columns]
    extra = dict(zip(names, columns.values(), strict=True))
    return frames.beside(links.left, links.right, left, right, suffixes, extra)


def _is_match(verdict: Verdict, lowest: float | None) -> bool:
    if lowest is None or not verdict.is_match:
        return bool(verdict.is_match)
    return verdict.confidence is not None and verdict.confidence >= lowest


def _objects(values: list[str | None]) -> NDArray[np.object_]:
    """Texts and nulls, (n,) object."""
    return np.fromiter(values, dtype=object, count=len(values))
