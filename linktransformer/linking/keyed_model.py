"""`openai_key=` and `gemini_key=`: the model that a key is for."""

from __future__ import annotations

from pathlib import Path

from linktransformer.encoding.remote.address import shown
from linktransformer.encoding.remote.endpoint import chat_endpoint, is_remote
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Model

__all__ = ["KEYS", "keyed_model"]

KEYS = ("openai_key", "gemini_key")
LOCAL = ("lexical", "all-MiniLM-L6-v2")  # names that mean something here


def keyed_model(
    model: Model, openai_key: str | None = None, gemini_key: str | None = None, cache: object = None
) -> Model:
    """The model that a key is for: an encoder of remote vectors, as linktransformer 0.1.18 takes them.

    Without a key it is `model` itself. With cache=False its vectors are not stored.

    Raises:
        InvalidArgumentError: A key is given and the model is not one of its provider, so that nothing is sent
            anywhere that nobody named; the key is not shown.
    """
    keys = [name for name, key in zip(KEYS, (openai_key, gemini_key), strict=True) if key is not None]
    if not keys:
        return model
    provider = keys[0].partition("_")[0]
    remote = isinstance(model, str) and not (
        model in LOCAL or "/" in model.partition("@")[0] or Path(model).exists()
    )
    if not remote or len(keys) > 1 or (is_remote(model) and not str(model).startswith(provider)):
        raise InvalidArgumentError(
            f"{' and '.join(f'{name}=' for name in keys)} would send the texts to {provider}, and "
            f"model={shown(model)} is not a model there. Give model='{provider}:NAME', or leave the key out."
        )
    from linktransformer.encoding.remote.remote_encoder import RemoteEncoder  # HTTP and TLS, which few need

    endpoint = chat_endpoint(model, provider=provider, openai_key=openai_key, gemini_key=gemini_key)
    return RemoteEncoder(endpoint, cache=None if cache is not False else False)
