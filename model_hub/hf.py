"""Models on the Hugging Face Hub, or on a server that speaks as it does (HF_ENDPOINT)."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

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
from model_hub.oci_http import again, show
from model_hub.remote import Progress

logger = logging.getLogger(__name__)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ADDRESS = re.compile(r"https?://[^\s'\")>]+")


class HubRemote:
    """One repository of the hub.

    Args:
        name: "org/name".
        token: A key; None leaves it to huggingface_hub (HF_TOKEN, or `hf auth login`).
        private: Whether a repository that has to be made is private; None as the organisation has it.
    """

    def __init__(self, name: str, *, token: str | None = None, private: bool | None = None) -> None:
        endpoint = (os.environ.get("HF_ENDPOINT") or "").rstrip("/")
        self.name, self.key = name, f"hf://{name}" + (f" of {endpoint}" if endpoint else "")
        self._endpoint, self._token, self._private = endpoint or None, token, private

    def pin(self, revision: str | None) -> str:
        """The commit that a branch or tag stands for now.

        Args:
            revision: A branch, tag or commit; None is "main".

        Returns:
            40 hexadecimal digits; the network is asked for a branch or tag only.
        """
        if revision and _COMMIT.fullmatch(revision):
            return revision
        with self._told():
            info = again(lambda: self._try(self._api().model_info, self.name, revision=revision, timeout=30))
            names = {entry.rfilename for entry in info.siblings or []}
        if MANIFEST_NAME not in names:
            raise self._no_manifest(str(info.sha))
        return str(info.sha)

    def fetch(self, pinned: str, staging: Path, progress: Progress | None) -> None:
        """Put the model's files into a folder, going on where an earlier try stopped.

        Args:
            pinned: A commit.
            staging: The folder.
            progress: Called with the number of bytes that came since its last call.
        """
        self._snapshot(pinned, staging, [MANIFEST_NAME])
        if not (staging / MANIFEST_NAME).is_file():
            raise self._no_manifest(pinned)
        manifest = read(staging)  # refuses paths that lead out, before anything is fetched by them
        for names in [[CARD_NAME], *([file.path] for file in manifest.files)]:
            self._snapshot(pinned, staging, names)
            if progress is not None:
                progress(sum((staging / name).stat().st_size for name in names if (staging / name).is_file()))

    def push(self, model: ModelFolder, card: str, revision: str | None, progress: Progress | None) -> str:
        """Upload a model as one commit, and give it a tag where a revision is asked for.

        Args:
            model: A verified folder.
            card: The model card's text.
            revision: A tag that does not exist yet; None or "main" gives none.
            progress: Called with the number of bytes that went, once they all have.

        Returns:
            The commit.
        """
        api, tag = self._api(), revision if revision not in (None, "main") else None
        with self._told():
            self._try(api.create_repo, self.name, exist_ok=True, private=self._private)
            if tag and tag in {ref.name for ref in self._try(api.list_repo_refs, self.name).tags}:
                raise ManifestError(
                    "The repository has this tag, and a tag stays what it was.",
                    f"{self.key}@{tag}",
                    "Give the next version's number.",
                )
            add = _hub().CommitOperationAdd
            names = (MANIFEST_NAME, *(file.path for file in model.manifest.files))
            operations = [add(path_in_repo=name, path_or_fileobj=str(model.path / name)) for name in names]
            operations.append(add(path_in_repo=CARD_NAME, path_or_fileobj=card.encode()))
            message = f"Publish {model.manifest.name}" + (f" {tag}" if tag else "")
            done = self._try(api.create_commit, self.name, operations, commit_message=message)
            if tag:
                self._try(api.create_tag, self.name, tag=tag, revision=str(done.oid))
        if progress is not None:
            progress(sum(file.size for file in model.manifest.files))
        return str(done.oid)

    def tags(self) -> tuple[str, ...]:
        """Tags, then branches, each in alphabetical order.

        Returns:
            Names of revisions.
        """
        with self._told():
            refs = again(lambda: self._try(self._api().list_repo_refs, self.name))
        return (*sorted(ref.name for ref in refs.tags), *sorted(ref.name for ref in refs.branches))

    def _snapshot(self, pinned: str, staging: Path, names: list[str]) -> None:
        def once() -> None:
            self._try(
                _hub().snapshot_download,
                self.name,
                revision=pinned,
                local_dir=str(staging),  # files of their own, not links into another cache
                allow_patterns=[glob.escape(name) for name in names],
                endpoint=self._endpoint,
                token=self._token,
                max_workers=1,
                tqdm_class=_silent(),
            )

        def moved() -> int:
            return sum(path.stat().st_size for path in staging.rglob("*") if path.is_file())

        with self._told():
            again(once, moved)

    def _api(self) -> Any:
        return _hub().HfApi(endpoint=self._endpoint, token=self._token, library_name="linktransformer")

    def _try(self, call: Any, *arguments: Any, **keywords: Any) -> Any:
        """Call huggingface_hub; a dropped connection becomes ours, so that it is tried again."""
        try:
            return call(*arguments, **keywords)
        except ModelHubError:
            raise
        except Exception as error:  # it raises classes of its own, of httpx and of requests by version
            raise self._ours(error) from None  # the cause is told; its request holds the key

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        if _hub(".constants").HF_HUB_OFFLINE:
            raise UnreachableError(
                "The Hugging Face Hub is not to be asked.", f"HF_HUB_OFFLINE and {self.key}", "Unset it."
            )
        bars = _hub(".utils")
        if bars.are_progress_bars_disabled():
            yield
            return
        bars.disable_progress_bars()  # whoever calls us shows his own
        try:
            yield
        finally:
            bars.enable_progress_bars()

    def _ours(self, error: Exception) -> ModelHubError:
        status = _status(error)
        given = f"{self.key}: {self._scrubbed(error)}"
        causes = [type(error), *([type(error.__cause__)] if error.__cause__ else [])]
        kinds = {kind.__name__ for cause in causes for kind in cause.__mro__}
        if status in (401, 403) or "GatedRepoError" in kinds:
            # the hub says 401 for a repository that does not exist, too
            kind: type[ModelHubError] = (
                ModelNotFoundError if "RepositoryNotFoundError" in kinds else AccessError
            )
            return kind(
                "There is no such model, or we are not let in.",
                given,
                "Check the name; set HF_TOKEN or run `hf auth login`.",
            )
        if status == 404 or kinds & {"RepositoryNotFoundError", "RevisionNotFoundError"}:
            return ModelNotFoundError(
                "The hub has no such model or revision.", given, "Check the name and the revision."
            )
        if kinds & {"ConnectError", "ConnectTimeout", "OfflineModeIsEnabled", "ProxyError"}:
            return UnreachableError("The hub cannot be reached.", given, "Check the network and HF_ENDPOINT.")
        if status is None or status == 429 or status >= 500:
            if (
                isinstance(error, (ValueError, TypeError))
                and status is None
                and not isinstance(error, OSError)
            ):
                return ModelHubError("The hub refused the model.", given, "Check the card and the names.")
            return TransferError("The connection to the hub broke.", given, "Try again.")
        return ModelHubError("The hub refused.", given, "Check the name and your rights.")

    def _scrubbed(self, error: Exception) -> str:
        told = str(error) + (f" ({error.__cause__})" if error.__cause__ else "")
        text = _ADDRESS.sub(lambda found: show(found.group()), " ".join(told.split()))
        keys = (self._token, os.environ.get("HF_TOKEN"), os.environ.get("HUGGING_FACE_HUB_TOKEN"))
        for key in filter(None, keys):
            text = text.replace(key, "***")
        return text[:300] or type(error).__name__

    def _no_manifest(self, pinned: str) -> ModelNotFoundError:
        return ModelNotFoundError(
            f"The repository has no {MANIFEST_NAME}, so it holds no model of ours.",
            f"{self.key}@{pinned}",
            "Publish it with `model_hub.publish`, or load it with sentence-transformers.",
        )


def _status(error: Exception) -> int | None:
    found = getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


def _hub(part: str = "") -> Any:
    try:
        return import_module("huggingface_hub" + part)
    except ModuleNotFoundError:
        raise ModelNotFoundError(
            "Models of the Hugging Face Hub need the package huggingface_hub.",
            "it is not installed",
            'Install it with `pip install "linktransformer[hub]"`.',
        ) from None


def _silent() -> Any:
    """Progress bars that show nothing: whoever calls us shows his own."""
    from tqdm import tqdm

    class Silent(tqdm):  # type: ignore[misc] # tqdm has no types
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            keywords.pop("name", None)
            super().__init__(*arguments, **{**keywords, "disable": True})

    return Silent
