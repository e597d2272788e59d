"""Calls written for linktransformer 0.1.18, brought to our arguments: the functions stay as they are."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from linktransformer.encoding.remote.endpoint import chat_endpoint, is_remote
from linktransformer.errors import InvalidArgumentError, UnknownArgumentError
from linktransformer.linking.options import VALIDATE

__all__ = ["accept_old", "keyed_model", "of_clusters", "of_merge"]

logger = logging.getLogger(__name__)
Given = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")
Translate = Callable[[tuple[Any, ...], Given], Given | None]

OF_MERGE = ("df1", "df2", "merge_type", "on", "model", "left_on", "right_on", "suffixes", "batch_size")
OF_CLUSTERS = ("df", "model", "on", "cluster_type", "cluster_params")
KEYS = ("openai_key", "gemini_key")
LOCAL = ("lexical", "all-MiniLM-L6-v2")  # names that mean something here


def accept_old(
    translate: Translate, instead: Callable[..., Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function be called as linktransformer 0.1.18 was, too.

    Args:
        translate: Is given the positional and the named arguments; returns named ones where the call is an
            old one, else None.
        instead: What an old call goes to; None is the function itself.

    Returns:
        A decorator. What is neither an old nor a new argument is refused, with the nearest name.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = list(inspect.signature(function).parameters)

        @wraps(function)
        def called(*arguments: P.args, **named: P.kwargs) -> R:
            found = translate(arguments, dict(named))
            if found is None:
                _refuse_unknown(function.__name__, names, named)
                return function(*arguments, **named)
            target = function if instead is None else instead
            logger.info("%s is called as in linktransformer 0.1.18: docs/old-scripts.md", function.__name__)
            _refuse_unknown(function.__name__, list(inspect.signature(target).parameters), found)
            return target(**found)  # type: ignore[call-arg] # named as the function has them

        return called

    return decorate


def of_merge(arguments: tuple[Any, ...], named: Given) -> Given | None:
    """An old call of `merge` in our arguments.

    `merge(df1, df2, merge_type, on, model, ...)` is told from `merge(left, right, on)` by a name that only
    the old one has, by a fourth place, or by a third one that says "1:1" beside `on=` or `left_on=`.

    Args:
        arguments: Given by place.
        named: Given by name.

    Returns:
        Our arguments; None where the call is one of ours.
    """
    keyed = "on" in named or "left_on" in named
    typed = len(arguments) == 3 and isinstance(arguments[2], str) and arguments[2] in VALIDATE and keyed
    old = set(named) & {"df1", "df2", "merge_type", *KEYS}
    if not (old or typed or len(arguments) > 3):
        return None
    ours = len(arguments) == 3 and not typed and not keyed
    places = (*OF_MERGE[:2], "on") if ours else (*OF_MERGE, *KEYS)
    found = without_keys(_by_name("merge", arguments, named, places))
    merge_type = found.pop("merge_type", None)
    if merge_type is not None:
        if merge_type not in VALIDATE:
            raise InvalidArgumentError(
                f"merge_type={merge_type!r} is not one of {', '.join(map(repr, VALIDATE))}."
            )
        if found.get("validate") not in (None, merge_type):
            raise InvalidArgumentError("merge_type= is the old name of validate=. Give one of them.")
        found["validate"] = merge_type
        logger.info("merge_type=%r is enforced here, as validate=%r", merge_type, merge_type)
    return _renamed("merge", found, {"df1": "left", "df2": "right"})


def of_clusters(arguments: tuple[Any, ...], named: Given) -> Given | None:
    """An old call of `cluster_rows` or `dedup_rows` by its old names.

    It is told from ours by `cluster_type`, `cluster_params` or a key, or by a second place that is the model:
    three places and more, or two beside `on=`. `df=` alone is understood as the table.

    Args:
        arguments: Given by place.
        named: Given by name.

    Returns:
        Old arguments by name; None where the call is one of ours.
    """
    old = set(named) & {"df", "cluster_type", "cluster_params", *KEYS}
    if not old and len(arguments) < 3 and not (len(arguments) == 2 and "on" in named):
        return None
    return without_keys(_by_name("cluster_rows", arguments, named, (*OF_CLUSTERS, *KEYS)))


def keyed_model(model: Any, openai_key: str | None = None, gemini_key: str | None = None) -> Any:
    """The model that a key is for: remote vectors, as linktransformer 0.1.18 takes them where a key is given.

    Args:
        model: As the caller gave it.
        openai_key: An OpenAI key, None for none.
        gemini_key: A Gemini key, None for none.

    Returns:
        The model itself where there is no key, else an encoder that asks the provider's.

    Raises:
        InvalidArgumentError: A key is given and the model is none of its provider, so that nothing is sent
            anywhere that nobody named; the key is not shown.
    """
    given = [name for name, key in zip(KEYS, (openai_key, gemini_key), strict=True) if key is not None]
    if not given:
        return model
    provider = given[0].partition("_")[0]
    local = (
        not isinstance(model, str) or model in LOCAL or "/" in model.partition("@")[0] or Path(model).exists()
    )
    if local or len(given) > 1 or (is_remote(model) and not model.startswith(provider)):
        raise InvalidArgumentError(
            f"{' and '.join(f'{name}=' for name in given)} would send the texts to {provider}, and "
            f"model={model!r} is no model there. Give model='{provider}:NAME', or leave the key out."
        )
    from linktransformer.encoding.remote.remote_encoder import RemoteEncoder  # HTTP and TLS, which few need

    found = chat_endpoint(model, provider=provider, openai_key=openai_key, gemini_key=gemini_key)
    return RemoteEncoder(found)


def without_keys(named: Given) -> Given:
    """Put the model in place of the keys of remote services.

    Args:
        named: Arguments by name.

    Returns:
        The same without keys; "model" is an encoder where one was given.

    Raises:
        InvalidArgumentError: A key is given and the model is none of its provider.
    """
    found = {name: value for name, value in named.items() if name not in KEYS}
    if any(named.get(name) is not None for name in KEYS):
        found["model"] = keyed_model(named.get("model"), *(named.get(name) for name in KEYS))
    return found


def _by_name(function: str, arguments: tuple[Any, ...], named: Given, places: tuple[str, ...]) -> Given:
    if len(arguments) > len(places):
        raise UnknownArgumentError(
            f"{function} has {len(places)} places, {', '.join(places)}; {len(arguments)} are filled."
        )
    found = dict(zip(places, arguments, strict=False))
    twice = sorted(set(found) & set(named))
    if twice:
        raise UnknownArgumentError(f"{function}: {twice[0]}= is given by place and by name. Give it once.")
    return {**found, **named}


def _renamed(function: str, found: Given, names: Mapping[str, str]) -> Given:
    both = [(old, new) for old, new in names.items() if old in found and new in found]
    if both:
        raise UnknownArgumentError(f"{function}: {both[0][0]}= and {both[0][1]}= are one argument.")
    return {names.get(name, name): value for name, value in found.items()}


def _refuse_unknown(function: str, names: list[str], given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}=?" if near else ""
            raise UnknownArgumentError(
                f"{function} has no argument {name}=.{hint} It has: {', '.join(names)}"
            )
