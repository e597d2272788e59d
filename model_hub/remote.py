"""What loading and publishing need of a place on the network, and which place a reference names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from model_hub.folder import ModelFolder
from model_hub.ref import ModelRef

Progress = Callable[[int], object]  # called with the number of bytes moved since its last call


class Remote(Protocol):
    """One repository of one place."""

    key: str

    def pin(self, revision: str | None) -> str:
        """The hash that a tag or branch stands for now; no network for a hash.

        Args:
            revision: A tag, a branch or a hash; None for "latest" in a registry, "main" on the Hugging Face
                Hub.

        Returns:
            The hash.
        """

    def fetch(self, pinned: str, staging: Path, progress: Progress | None) -> None:
        """Put the model's files into a folder, going on where an earlier try stopped.

        Args:
            pinned: The hash, from `pin`.
            staging: The folder.
            progress: Called with the number of bytes moved since its last call; None for nobody.
        """

    def push(self, model: ModelFolder, card: str, revision: str | None, progress: Progress | None) -> str:
        """Upload a model and give its hash.

        Args:
            model: The model folder.
            card: The text of the model card.
            revision: The tag or branch to write; None for "latest" or "main".
            progress: Called with the number of bytes moved since its last call; None for nobody.

        Returns:
            The hash.
        """

    def tags(self) -> tuple[str, ...]:
        """The names under which versions are kept.

        Returns:
            The names.
        """


def remote_of(
    ref: ModelRef, *, token: str | None = None, private: bool | None = None, insecure: bool = False
) -> Remote:
    """The place that a reference names.

    Args:
        ref: A reference of the kind "hub" or "oci".
        token: A key to be let in; None takes it from the environment.
        private: Whether a repository that has to be made on the Hugging Face Hub is private.
        insecure: Whether a registry may be spoken to without encryption.

    Returns:
        The place; nothing has been sent yet.

    Example:
        >>> from model_hub import parse
        >>> remote_of(parse("oci://localhost:5000/team/model:v1")).key
        'oci://localhost:5000/team/model'
    """
    if ref.kind == "oci":
        from model_hub.oci import OciRemote

        return OciRemote(ref.name, token=token, insecure=insecure)
    from model_hub.hf import HubRemote

    return HubRemote(ref.name, token=token, private=private)
