"""Addresses of servers: which may be used, and what reads as one and is none."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit

from linktransformer.errors import InvalidArgumentError

__all__ = ["check_name", "checked_host", "path_advice", "shown", "split_address"]

PLAIN_HTTP_VARIABLE = "LINKTRANSFORMER_LLM_PLAIN_HTTP"
_ADDRESS = re.compile(r"@(https?://\S*)$", re.IGNORECASE)
# what may follow "@" in a model's name: 20240620, 001, v1.5, latest; nothing that can be a host
_VERSION = re.compile(r"v?\d[\w-]*(\.\d[\w-]*){0,2}|latest|default|stable|preview", re.IGNORECASE)
_HOST_FIRST = re.compile(
    r"localhost\b|\d+\.\d+\.\d+\.\d+|\[|[\w.-]+:\d{2,5}(/|$)|([\w-]+\.)+[a-z]{2,}(/|$)", re.IGNORECASE
)
_NAME_IS_HOST = re.compile(r"localhost(:|/|$)|\d+\.\d+\.\d+\.\d+|\[|[\w.-]+:\d{2,5}/", re.IGNORECASE)
_FULL_PATHS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/models")


def split_address(name: str) -> tuple[str, str | None]:
    """A model's name and the address behind its "@", None where there is none.

    Example:
        >>> split_address("small@http://127.0.0.1:8080/v1")
        ('small', 'http://127.0.0.1:8080/v1')
    """
    found = _ADDRESS.search(name)
    return (name, None) if found is None else (name[: found.start()], found.group(1))


def check_name(name: str, argument: str) -> None:
    """Refuse a name that holds an address which is not read as one: the rows would go to the default host.

    The address is not repeated beyond its host, as it may hold a password.

    Example:
        >>> check_name("text-bison@001", "model")
    """
    head, at, tail = name.rpartition("@")
    tail = tail.strip()
    if "://" in name:
        raise InvalidArgumentError(
            f"{argument}= holds an address that cannot be read. Give such as 'openai:NAME@https://host/v1', "
            "with http:// for your own machine."
        )
    if not at or (not head.strip() and not _HOST_FIRST.match(tail)):  # "@cf/meta/llama" is a name
        rest = tail if not at else ""
    elif head.strip() and _VERSION.fullmatch(tail):
        rest = head
    else:
        raise _no_scheme(argument, tail)
    if _NAME_IS_HOST.match(rest):
        raise _no_scheme(argument, rest)


def _no_scheme(argument: str, address: str) -> InvalidArgumentError:
    found = re.match(r"[\w.-]+(:\d+)?", address)
    host = found.group() if found else ""
    return InvalidArgumentError(
        f"{argument}= has an address without a scheme: http:// is missing before {host!r}. Give such as "
        f"'openai:NAME@http://{host or 'host'}/v1' (https:// for another machine)."
    )


def shown(model: object) -> str:
    """The `repr` of a caller's model for a message, without an address that may hold a password.

    Example:
        >>> shown("small@https://user:word@host/v1")
        "'small@...'"
    """
    if isinstance(model, str) and (model.count("@") > 1 or "?" in model):
        return repr(f"{model.partition('@')[0].partition('?')[0]}@...")
    return repr(model)


def checked_host(base_url: str, argument: str) -> str:
    """The host of an address that may be used; an address that may hold a password is not repeated."""
    try:
        parts = urlsplit(base_url)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise InvalidArgumentError(
            f"The address of {argument}= cannot be read ({error}). Give such as 'https://host/v1'."
        ) from None
    if "@" in (parts.netloc if "://" in base_url else base_url) or parts.query or parts.fragment:
        raise InvalidArgumentError(
            f"The address of {argument}= holds a user, a password or a query, which would be written into "
            "logs. Give the address alone and the key by the environment."
        )
    if "://" not in base_url and base_url.strip():
        raise InvalidArgumentError(
            f"The address {base_url!r} of {argument}= has no scheme: http:// is missing. Give such as "
            f"'http://{base_url.strip()}' (https:// for another machine)."
        )
    if parts.scheme not in ("https", "http") or not host:
        raise InvalidArgumentError(
            f"base_url={base_url!r} is not an address of a server. Give such as 'https://host/v1'."
        )
    if parts.scheme == "http" and not is_loopback(host) and os.environ.get(PLAIN_HTTP_VARIABLE) != "1":
        raise InvalidArgumentError(
            f"base_url={base_url!r} would send texts and key unencrypted to another machine. Give an https "
            f"address, or set {PLAIN_HTTP_VARIABLE}=1 where the network is your own."
        )
    return host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def path_advice(base_url: str, path: str) -> str:
    """What the path of an address should be, for a server that knows no such path.

    Example:
        >>> path_advice("http://127.0.0.1:8080/v1/chat/completions", "chat/completions")
        "'/chat/completions' is added to the address: give 'http://127.0.0.1:8080/v1'"
        >>> path_advice("http://127.0.0.1:8080", "embeddings")
        "'/embeddings' is added to the address, and most end in /v1: give 'http://127.0.0.1:8080/v1'"
    """
    added = f"'/{path}' is added to the address"
    for ending in _FULL_PATHS:
        if base_url.endswith(ending):
            return f"{added}: give {base_url.removesuffix(ending)!r}"
    if not urlsplit(base_url).path.strip("/"):
        return f"{added}, and most end in /v1: give {base_url + '/v1'!r}"
    return f"{added}; look whether it should end otherwise, such as in /v1"
