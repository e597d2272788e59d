"""The address of a language model, and the API key that is sent to its host only."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import NoReturn, TypeGuard
from urllib.parse import urlsplit

from linktransformer.encoding.remote.address import check_name, checked_host, split_address
from linktransformer.errors import InvalidArgumentError

__all__ = ["Endpoint", "Secret", "chat_endpoint", "endpoint", "is_remote"]

REMOTE = ("openai:", "gemini:")
OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
KEY_VARIABLES = {"api.openai.com": "OPENAI_API_KEY", "generativelanguage.googleapis.com": "GEMINI_API_KEY"}
URL_VARIABLE = "LINKTRANSFORMER_LLM_URL"
OTHER_KEY_VARIABLE = "LINKTRANSFORMER_LLM_KEY"
LIKE_KEYS = re.compile(r"\b(?:sk-|AIza|gsk_|hf_|xai-)[\w*.-]{6,}|(?<=Bearer )\S+")


class Secret:
    """A key that does not show in a repr or an f-string, and cannot be pickled or copied.

    Example:
        >>> f"{Secret('sk-1234567890')}"
        '***'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is not written anywhere.")

    def reveal(self) -> str:
        """The key as plain text, for the header of a request."""
        return self._value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind an interface like OpenAI's.

    Args:
        model: The model's name there.
        base_url: Such as "https://api.openai.com/v1", without a slash at the end.
        key: Sent with each request; None for none.
        provider: Whose model it is, as in its name: "openai" or "gemini".
    """

    model: str
    base_url: str
    key: Secret | None = None
    provider: str = "openai"

    @property
    def host(self) -> str:
        """Where requests go: host and, where it is given, port.

        Example:
            >>> Endpoint("m", "http://127.0.0.1:8080/v1").host
            '127.0.0.1:8080'
        """
        return urlsplit(self.base_url).netloc

    def without_key(self, text: str) -> str:
        """A server's text, which may repeat the request, with all that is or looks like a key replaced.

        Example:
            >>> Endpoint("m", "https://a.b", Secret("abcdef123")).without_key("bad abcdef123, sk-ab****yz")
            'bad ***, ***'
        """
        if self.key is not None:
            text = text.replace(self.key.reveal(), "***")
        return LIKE_KEYS.sub("***", text)


def is_remote(model: object) -> TypeGuard[str]:
    """Whether a `model=` is "openai:NAME" or "gemini:NAME"."""
    return isinstance(model, str) and model.startswith(REMOTE)


def endpoint(
    model: str, *, base_url: str | None = None, key: str | None = None, argument: str = "model"
) -> Endpoint:
    """The address and key of a model.

    A key of the environment goes only to its host: OPENAI_API_KEY to api.openai.com, GEMINI_API_KEY to
    Google's endpoint, LINKTRANSFORMER_LLM_KEY to the host of LINKTRANSFORMER_LLM_URL or, where that is not
    set, to the other host that the caller names.

    Args:
        model: "openai:NAME", "gemini:NAME", either with "@https://host/v1" at its end, or NAME alone.
        base_url: Another server with OpenAI's interface; None takes the one in `model`, else for "openai:"
            LINKTRANSFORMER_LLM_URL, else the provider's own.
        key: The key; None takes the one of the environment.
        argument: The caller's name of `model`, for messages.

    Example:
        >>> endpoint("openai:small@http://127.0.0.1:8080/v1").base_url
        'http://127.0.0.1:8080/v1'
    """
    provider, name = model.split(":", 1) if is_remote(model) else ("openai", model)
    name, address = split_address(name.strip())
    if address is not None:
        if base_url is not None:
            raise InvalidArgumentError(
                f"base_url= is given, and {argument}= names an address too. Give one of them."
            )
        base_url = address
    if not name.strip():
        raise InvalidArgumentError(f"{argument}= names no model. Give such as 'openai:NAME'.")
    check_name(name, argument)
    configured, source = os.environ.get(URL_VARIABLE) or None, "base_url" if address is None else argument
    if base_url is None:
        source = URL_VARIABLE
        base_url = GEMINI if provider == "gemini" else configured or OPENAI
    host = checked_host(base_url.strip(), source)
    scheme, _, rest = base_url.strip().partition("://")
    base_url = f"{scheme.lower()}://{rest}"  # encryption is chosen by it
    return Endpoint(name.strip(), base_url.rstrip("/"), _key(key, host, configured), provider)


def chat_endpoint(
    model: object,
    *,
    provider: str = "auto",
    openai_key: str | None = None,
    gemini_key: str | None = None,
    base_url: str | None = None,
    argument: str = "model",
) -> Endpoint:
    """The endpoint for the arguments of linktransformer 0.1.18; for "auto" the name says the provider.

    Example:
        >>> chat_endpoint("gemini-flash", gemini_key="k").base_url
        'https://generativelanguage.googleapis.com/v1beta/openai'
    """
    if provider not in ("auto", "openai", "gemini"):
        raise InvalidArgumentError(f"llm_provider={provider!r} is not 'auto', 'openai' or 'gemini'.")
    if not isinstance(model, str) or not model.strip():
        raise InvalidArgumentError(
            f"{argument}={model!r} names no model. Give such as 'openai:NAME' or 'openai:NAME@https://host/v1'."
        )
    name: str = model
    if not is_remote(name):
        by_name = "gemini" if name.startswith("gemini") and base_url is None else "openai"
        name = f"{by_name if provider == 'auto' else provider}:{name}"
    key = gemini_key if name.startswith("gemini:") else openai_key
    return endpoint(name, base_url=base_url, key=key, argument=argument)


def _key(key: str | None, host: str, configured: str | None) -> Secret | None:
    """The caller's key, else that of the environment for this host."""
    variable = KEY_VARIABLES.get(host)
    if key is None and variable:
        key = os.environ.get(variable)
        if not key:
            raise InvalidArgumentError(
                f"There is no key for {host}. Set the environment variable {variable}, or give the key."
            )
    elif key is None and (configured is None or urlsplit(configured).hostname == host):
        key = os.environ.get(OTHER_KEY_VARIABLE)
    if not key:
        return None
    key = key.strip()
    # http.client would show the whole header in its own error
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise InvalidArgumentError(
            f"The key for {host} has blanks or characters that no key has. Copy it again, without quotes."
        )
    return Secret(key)
