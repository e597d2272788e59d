"""A place on the network that holds models: what loading and publishing need of it, and retries."""

from __future__ import annotations

import logging
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from model_hub.errors import TransferError, UnreachableError
from model_hub.folder import ModelFolder

logger = logging.getLogger(__name__)
T = TypeVar("T")
Progress = Callable[[int], object]  # called with the number of bytes moved since its last call
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds between tries


class Remote(Protocol):
    """One repository of a registry or of the Hugging Face Hub."""

    key: str

    def pin(self, revision: str | None) -> str:
        """The hash that a tag or branch stands for now; a hash is not looked up.

        None is "latest" in a registry, "main" on the Hugging Face Hub.
        """

    def fetch(self, pinned: str, staging: Path, progress: Progress | None) -> None:
        """Download the model of a hash into a folder, continuing an earlier try."""

    def push(self, model: ModelFolder, card: str, revision: str | None, progress: Progress | None) -> str:
        """Upload a verified model and the text of its card under a tag; returns its hash."""

    def tags(self) -> tuple[str, ...]:
        """The names of the versions."""


def retry(call: Callable[[], T], received: Callable[[], int] = lambda: 0) -> T:
    """Repeat a call while connections drop, with growing pauses; the last TransferError is raised.

    The count of tries restarts each time that `received` grows.
    """
    tries, furthest = 0, received()
    while True:
        try:
            return call()
        except UnreachableError:
            raise
        except TransferError as error:
            if (now := received()) > furthest:
                tries, furthest = 0, now
            if tries >= len(PAUSES):
                raise
            logger.info("trying again in %s s: %s", PAUSES[tries], error)
            time.sleep(PAUSES[tries])
            tries += 1


def without_query(url: str) -> str:
    """An address for messages: without its query, which can hold keys."""
    return urllib.parse.urlsplit(url)._replace(query="", fragment="").geturl()
