"""Errors of model folders: each says what is wrong, what was given and what to do."""

from __future__ import annotations


class ModelHubError(Exception):
    """Something is wrong with a model.

    Args:
        wrong: What is wrong.
        given: The value that is wrong.
        remedy: What to do.

    Example:
        >>> str(ModelHubError("The folder is empty.", "'x'", "Give another folder."))
        "The folder is empty. Given: 'x'. Give another folder."
    """

    def __init__(self, wrong: str, given: object = "", remedy: str = "") -> None:
        self.wrong, self.given, self.remedy = wrong, str(given), remedy
        value = f"Given: {self.given.rstrip('.')}." if self.given else ""
        super().__init__(" ".join(part for part in (wrong, value, remedy) if part))

    def __reduce__(self) -> tuple[type[ModelHubError], tuple[str, str, str]]:
        return type(self), (self.wrong, self.given, self.remedy)


class ModelNotFoundError(ModelHubError, FileNotFoundError):
    """There is no such model, or no manifest in its folder."""


class ManifestError(ModelHubError, ValueError):
    """The manifest cannot be read, or holds a value that is not allowed."""


class ChecksumError(ModelHubError, ValueError):
    """A file of the model is missing, or is not the file that the manifest describes."""


class UnsafeModelError(ModelHubError, ValueError):
    """The model folder holds a file that could run code when it is read."""


class AccessError(ModelHubError, PermissionError):
    """The place where the model is kept does not let the caller in."""


class TransferError(ModelHubError, ConnectionError):
    """The connection broke; what was downloaded is kept, and the next try continues."""


class UnreachableError(TransferError):
    """The place where the model is kept cannot be reached at all."""
