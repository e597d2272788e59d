"""Where a run of training is kept, and its errors in the caller's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linktransformer.errors import InvalidArgumentError, MissingExtraError, ModelError

__all__ = ["folder_of", "in_our_words"]


def folder_of(out: str | os.PathLike[str] | None, resume: bool) -> Path:
    """The folder of a run.

    Args:
        out: What the caller gave; None is the first free `models/trained-N`.
        resume: Whether a run is to go on.

    Returns:
        The folder, which need not exist.

    Raises:
        InvalidArgumentError: A run is to go on, and it is not said which.
    """
    if out is not None:
        return Path(out)
    if resume:
        raise InvalidArgumentError("resume=True needs out=, the folder of the run that shall go on.")
    place = Path("models")
    number = 1
    while (place / f"trained-{number}").exists():
        number += 1
    return place / f"trained-{number}"


@contextmanager
def in_our_words(base: Any) -> Iterator[None]:
    """Raise errors of the packages below as ours.

    Args:
        base: The base model, for the message.

    Yields:
        Nothing.
    """
    from clippings import EncoderError, MissingPackageError
    from clippings.errors import TrainingError
    from model_hub import ModelHubError

    try:
        yield
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    except TrainingError as error:
        raise InvalidArgumentError(str(error)) from error
    except (EncoderError, ModelHubError) as error:
        raise ModelError(f"base={str(base)!r}: {error}") from error
