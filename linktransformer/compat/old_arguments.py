"""Translate calls written for linktransformer 0.1.18 to the arguments of today."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar, cast

from linktransformer import check
from linktransformer.errors import InvalidArgumentError, UnknownArgumentError
from linktransformer.linking.keyed_model import KEYS, keyed_model
from linktransformer.linking.options import VALIDATE

__all__ = ["accept_old", "of_clusters", "of_merge"]

logger = logging.getLogger(__name__)
Arguments = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])
Translate = Callable[[tuple[Any, ...], Arguments], Arguments | None]

OF_MERGE = ("df1", "df2", "merge_type", "on", "model", "left_on", "right_on", "suffixes", "batch_size")
OF_CLUSTERS = ("df", "model", "on", "cluster_type", "cluster_params")


def accept_old(
    translate: Translate, module: str, instead: Callable[..., Any] | None = None
) -> Callable[[F], F]:
    """Let a function accept the calls of linktransformer 0.1.18 too.

    `translate` takes positional and named arguments, and returns named ones where the call is an old one,
    else None. An old call goes to `instead`, or to the function itself. Unknown arguments are refused, with
    the nearest name. `module` is where the result stands: pickle finds a function by it.
    """

    def decorate(function: F) -> F:
        names = list(inspect.signature(function).parameters)

        @wraps(function)
        def called(*arguments: object, **named: object) -> object:
            translated = translate(arguments, dict(named))
            if translated is None:
                _refuse_unknown(function.__name__, names, named)
                return function(*arguments, **named)
            target = function if instead is None else instead
            logger.info("%s is called as in linktransformer 0.1.18: docs/old-scripts.md", function.__name__)
            _refuse_unknown(function.__name__, list(inspect.signature(target).parameters), translated)
            return target(**translated)

        called.__module__ = module
        return cast(F, called)

    return decorate


def of_merge(arguments: tuple[Any, ...], named: Arguments) -> Arguments | None:
    """An old call of `merge` in our arguments.

    `merge(df1, df2, merge_type, on, model, ...)` differs from `merge(left, right, on)` by a name that only
    the old one has, by a fourth place, or by a third one that is "1:1" beside `on=` or `left_on=`.
    """
    keyed = "on" in named or "left_on" in named
    typed = len(arguments) == 3 and isinstance(arguments[2], str) and arguments[2] in VALIDATE and keyed
    old = set(named) & {"df1", "df2", "merge_type", *KEYS}
    if not (old or typed or len(arguments) > 3):
        return None
    ours = len(arguments) == 3 and not typed and not keyed
    places = (*OF_MERGE[:2], "on") if ours else (*OF_MERGE, *KEYS)
    values = without_keys(_by_name("merge", arguments, named, places))
    merge_type = values.pop("merge_type", None)
    if merge_type is not None:
        check.one_of("merge_type", merge_type, VALIDATE)
        if values.get("validate") not in (None, merge_type):
            raise InvalidArgumentError("merge_type= is the old name of validate=. Give one of them.")
        values["validate"] = merge_type
        logger.info("merge_type=%r is enforced here, as validate=%r", merge_type, merge_type)
    return _renamed("merge", values, {"df1": "left", "df2": "right"})


def of_clusters(arguments: tuple[Any, ...], named: Arguments) -> Arguments | None:
    """An old call of `cluster_rows` or `dedup_rows` by its old names.

    It differs from ours by `cluster_type`, `cluster_params` or a key, or by a second place that is the model:
    three places and more, or two beside `on=`. `df=` alone is understood as the table.
    """
    old = set(named) & {"df", "cluster_type", "cluster_params", *KEYS}
    if not old and len(arguments) < 3 and not (len(arguments) == 2 and "on" in named):
        return None
    return without_keys(_by_name("cluster_rows", arguments, named, (*OF_CLUSTERS, *KEYS)))


def without_keys(named: Arguments) -> Arguments:
    """Put the model in place of the keys of remote services.

    Raises:
        InvalidArgumentError: A key is given and the model is none of its provider.
    """
    values = {name: value for name, value in named.items() if name not in KEYS}
    if any(named.get(name) is not None for name in KEYS):
        model, openai_key, gemini_key = (named.get(name) for name in ("model", *KEYS))
        values["model"] = keyed_model(model, openai_key, gemini_key, named.get("cache"))
    return values


def _by_name(
    function: str, arguments: tuple[Any, ...], named: Arguments, places: tuple[str, ...]
) -> Arguments:
    if len(arguments) > len(places):
        raise UnknownArgumentError(
            f"{function} has {len(places)} places, {', '.join(places)}; {len(arguments)} are filled."
        )
    values = dict(zip(places, arguments, strict=False))
    repeated = sorted(set(values) & set(named))
    if repeated:
        raise UnknownArgumentError(f"{function}: {repeated[0]}= is given by place and by name. Give it once.")
    return {**values, **named}


def _renamed(function: str, values: Arguments, names: Mapping[str, str]) -> Arguments:
    both = [(old, new) for old, new in names.items() if old in values and new in values]
    if both:
        raise UnknownArgumentError(f"{function}: {both[0][0]}= and {both[0][1]}= are one argument.")
    return {names.get(name, name): value for name, value in values.items()}


def _refuse_unknown(function: str, names: list[str], arguments: Mapping[str, Any]) -> None:
    """Raise for an argument that the function does not have."""
    for name in arguments:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}=?" if near else ""
            raise UnknownArgumentError(
                f"{function} has no argument {name}=.{hint} It has: {', '.join(names)}"
            )
