"""Models on the Hugging Face Hub, or on a server with its interface (HF_ENDPOINT)."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from model_hub.errors import (
    AccessError,
    ManifestError,
    ModelHubError,
    ModelNotFoundError,
    TransferError,
    UnreachableError,
)
from model_hub.folder import CARD_NAME, ModelFolder
from model_hub.manifest import MANIFEST_NAME, read
from model_hub.ref import COMMIT
from model_hub.remote import Progress, retry, without_query

P = ParamSpec("P")
R = TypeVar("R")
_ADDRESS = re.compile(r"https?://[^\s'\")>]+")
_UNREACHABLE = {"ConnectError", "ConnectTimeout", "OfflineModeIsEnabled", "ProxyError"}


class HubRepository:
    """One repository of the hub; `token` and `private` of None are left to huggingface_hub."""

    def __init__(self, name: str, *, token: str | None = None, private: bool | None = None) -> None:
        endpoint = (os.environ.get("HF_ENDPOINT") or "").rstrip("/")
        self.name, self.key = name, f"hf://{name}" + (f" of {endpoint}" if endpoint else "")
        self._endpoint, self._token, self._private = endpoint or None, token, private

    def pin(self, revision: str | None) -> str:
        """The commit of a branch or tag; a commit is returned without a request, None is "main"."""
        if revision and COMMIT.fullmatch(revision):
            return revision
        with self._quiet():
            info = retry(lambda: self._call(self._api().model_info, self.name, revision=revision, timeout=30))
            names = {entry.rfilename for entry in info.siblings or []}
        if MANIFEST_NAME not in names:
            raise self._no_manifest(str(info.sha))
        return str(info.sha)

    def fetch(self, pinned: str, staging: Path, progress: Progress | None) -> None:
        """Download the model of a commit into a folder, continuing an earlier try."""
        self._download(pinned, staging, MANIFEST_NAME)
        if not (staging / MANIFEST_NAME).is_file():
            raise self._no_manifest(pinned)
        manifest = read(staging)  # refuses paths that lead out, before anything is fetched by them
        for name in (CARD_NAME, *(file.path for file in manifest.files)):
            self._download(pinned, staging, name)
            if progress is not None:
                progress((staging / name).stat().st_size if (staging / name).is_file() else 0)

    def push(self, model: ModelFolder, card: str, revision: str | None, progress: Progress | None) -> str:
        """Upload a model as one commit, with a new tag unless the revision is None or "main"."""
        api, tag = self._api(), revision if revision not in (None, "main") else None
        with self._quiet():
            self._call(api.create_repo, self.name, exist_ok=True, private=self._private)
            if tag and tag in {ref.name for ref in self._call(api.list_repo_refs, self.name).tags}:
                raise ManifestError(
                    "The repository has this tag, and tags are never moved.",
                    f"{self.key}@{tag}",
                    "Give the next version's number.",
                )
            add = _library().CommitOperationAdd
            names = (MANIFEST_NAME, *(file.path for file in model.manifest.files))
            operations = [add(path_in_repo=name, path_or_fileobj=str(model.path / name)) for name in names]
            operations.append(add(path_in_repo=CARD_NAME, path_or_fileobj=card.encode()))
            message = f"Publish {model.manifest.name}" + (f" {tag}" if tag else "")
            commit = self._call(api.create_commit, self.name, operations, commit_message=message)
            if tag:
                self._call(api.create_tag, self.name, tag=tag, revision=str(commit.oid))
        if progress is not None:
            progress(sum(file.size for file in model.manifest.files))
        return str(commit.oid)

    def tags(self) -> tuple[str, ...]:
        """Tags, then branches, each in alphabetical order."""
        with self._quiet():
            refs = retry(lambda: self._call(self._api().list_repo_refs, self.name))
        return (*sorted(ref.name for ref in refs.tags), *sorted(ref.name for ref in refs.branches))

    def _download(self, pinned: str, staging: Path, name: str) -> None:
        def received() -> int:
            return sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())

        with self._quiet():
            retry(
                lambda: self._call(
                    _library().snapshot_download,
                    self.name,
                    revision=pinned,
                    local_dir=str(staging),  # files of their own, not links into another cache
                    allow_patterns=[glob.escape(name)],
                    endpoint=self._endpoint,
                    token=self._token,
                    max_workers=1,
                ),
                received,
            )

    def _api(self) -> Any:
        return _library().HfApi(endpoint=self._endpoint, token=self._token, library_name="linktransformer")

    def _call(self, call: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> R:
        """Call huggingface_hub with its errors as ours; dropped connections become TransferError."""
        try:
            return call(*arguments, **keywords)
        except ModelHubError:
            raise
        except Exception as error:  # classes of its own, of httpx and of requests, by version
            raise self._translated(error) from None  # without the cause: its request holds the key

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Without progress bars, as the caller shows its own; refused where HF_HUB_OFFLINE is set."""
        if _library(".constants").HF_HUB_OFFLINE:
            raise UnreachableError(
                "The Hugging Face Hub is not to be asked.", f"HF_HUB_OFFLINE and {self.key}", "Unset it."
            )
        bars = _library(".utils")
        if bars.are_progress_bars_disabled():
            yield
            return
        bars.disable_progress_bars()
        try:
            yield
        finally:
            bars.enable_progress_bars()

    def _translated(self, error: Exception) -> ModelHubError:
        status = getattr(getattr(error, "response", None), "status_code", None)
        context = f"{self.key}: {self._without_keys(error)}"
        kinds = {kind.__name__ for one in (error, error.__cause__) for kind in type(one).__mro__}
        if status in (401, 403) or "GatedRepoError" in kinds:
            # the hub answers 401 for a repository that does not exist, too
            missing = "RepositoryNotFoundError" in kinds
            return (ModelNotFoundError if missing else AccessError)(
                "There is no such model, or we are not let in.",
                context,
                "Check the name; set HF_TOKEN or run `hf auth login`.",
            )
        if status == 404 or kinds & {"RepositoryNotFoundError", "RevisionNotFoundError"}:
            return ModelNotFoundError(
                "The hub has no such model or revision.", context, "Check the name and the revision."
            )
        if kinds & _UNREACHABLE:
            return UnreachableError(
                "The hub cannot be reached.", context, "Check the network and HF_ENDPOINT."
            )
        if status is None and isinstance(error, (ValueError, TypeError)) and not isinstance(error, OSError):
            return ModelHubError("The hub refused the model.", context, "Check the card and the names.")
        if status is None or status == 429 or status >= 500:
            return TransferError("The connection to the hub broke.", context, "Try again.")
        return ModelHubError("The hub refused.", context, "Check the name and your rights.")

    def _without_keys(self, error: Exception) -> str:
        message = str(error) + (f" ({error.__cause__})" if error.__cause__ else "")
        text = _ADDRESS.sub(lambda match: without_query(match.group()), " ".join(message.split()))
        keys = (self._token, os.environ.get("HF_TOKEN"), os.environ.get("HUGGING_FACE_HUB_TOKEN"))
        for key in filter(None, keys):
            text = text.replace(key, "***")
        return text[:300] or type(error).__name__

    def _no_manifest(self, pinned: str) -> ModelNotFoundError:
        return ModelNotFoundError(
            f"The repository has no {MANIFEST_NAME}, so it is not a model folder of this package.",
            f"{self.key}@{pinned}",
            "Publish it with `model_hub.publish`, or load it with sentence-transformers.",
        )


def fetched_folder(name: str, revision: str | None = None) -> Path:
    """The folder in huggingface_hub's cache of a repository that was fetched earlier; nothing is requested.

    Raises `ModelNotFoundError` where it was never fetched.
    """
    try:
        return Path(_library().snapshot_download(name, revision=revision, local_files_only=True))
    except ModelHubError:
        raise
    except Exception as error:  # LocalEntryNotFoundError and others, by version
        raise ModelNotFoundError(
            "The model was never fetched, and the hub cannot or may not be reached.",
            f"{name}@{revision or 'main'} ({type(error).__name__})",
            "Fetch it once with a connection, or give a folder.",
        ) from error


def _library(part: str = "") -> ModuleType:
    try:
        return import_module("huggingface_hub" + part)
    except ModuleNotFoundError:
        raise ModelNotFoundError(
            "Models of the Hugging Face Hub need the package huggingface_hub.",
            "it is not installed",
            'Install it with `pip install "linktransformer[hub]"`.',
        ) from None
