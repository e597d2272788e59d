"""The manifest of a model: its form, its origin, and the hash of every file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from model_hub.errors import ManifestError, ModelNotFoundError

MANIFEST_NAME = "manifest.json"
FORMAT = 2  # the newest format that this version reads, and the one that it writes
RECORD_ARCHITECTURES = ("clippings", "clippings-onnx", "clippings-clip", "clippings-photos",
                        "clippings-photos-onnx")  # fmt: skip
ARCHITECTURES = ("onnx-text", "sentence-transformers", *RECORD_ARCHITECTURES)
POOLINGS = ("mean", "cls")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,12}(-[A-Za-z0-9]{1,8})*")
_TEXTS = ("name", "architecture", "base_model", "source", "revision", "licence", "pooling", "prefix",
          "created_by", "base_revision", "measured_on", "task", "description")  # fmt: skip
# keys that came with format 2, with their defaults
SINCE_2: Mapping[str, object] = {
    "base_revision": "",
    "languages": (),
    "trained_on": {},
    "metrics": {},
    "measured_on": "",
    "decision": None,
    "task": "",
    "description": "",
}
_SINCE_1 = frozenset({"pooling", "normalize", "prefix", "serializer", "versions", "created_by"})


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model, by its path inside the folder (with forward slashes)."""

    path: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        check_path(self.path)
        _want(type(self.size) is int and self.size >= 0, "size", self.size, "a number of bytes")
        good = bool(_SHA256.fullmatch(str(self.sha256)))
        _want(good, "sha256", self.sha256, "64 hexadecimal digits in lower case")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The description of a model folder.

    Attributes:
        format: Number of the manifest's format; the keys from `base_revision` on came with format 2.
        name: The model's name, letters, digits, dots, dashes and underscores.
        architecture: How the model runs; "onnx-text" is one graph and a tokenizer,
            "sentence-transformers" a folder that SentenceTransformer opens, with safetensors weights.
            Models of pictures and texts are "clippings" (safetensors), "clippings-onnx" (graphs) and
            "clippings-clip" (a CLIP model's safetensors).
        base_model: The model that this one was made from.
        source: Where the base model's weights come from.
        revision: The version of the base model, as a commit or a hash.
        licence: SPDX name of the weights' licence.
        dimension: Length of a vector.
        pooling: How token vectors become one vector: "mean", "cls", or "attention" in models of pictures and
            texts.
        normalize: Whether vectors are scaled to length one.
        max_tokens: Texts are cut after so many tokens, the special ones included; models that read characters
            count these.
        prefix: Text put before every input; a sentence-transformers folder holds its own prompts instead.
        files: Every file of the model but the manifest.
        serializer: How rows became texts in training, or None.
        versions: Versions of the libraries that made the model.
        created_by: The recipe that made the folder.
        base_revision: The commit of the base model that training started from; "" where nothing was trained.
        languages: BCP 47 codes such as "en", or "multilingual".
        trained_on: The training data: rows, entities, splits, loss, a fingerprint of the data.
        metrics: Measured numbers by name.
        measured_on: Fingerprint of the data that the metrics were measured on.
        decision: The JSON file in the folder that turns scores into links, or None.
        task: The purpose in a word or two.
        description: A sentence or two.
    """

    name: str
    architecture: str
    base_model: str
    source: str
    revision: str
    licence: str
    dimension: int
    max_tokens: int
    files: tuple[ModelFile, ...]
    format: int = FORMAT
    pooling: str = "mean"
    normalize: bool = True
    prefix: str = ""
    serializer: Mapping[str, object] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    created_by: str = ""
    base_revision: str = ""
    languages: tuple[str, ...] = ()
    trained_on: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    measured_on: str = ""
    decision: str | None = None
    task: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        for key in _TEXTS:
            _want(isinstance(getattr(self, key), str), key, getattr(self, key), "a text")
        for key in ("dimension", "max_tokens"):
            value = getattr(self, key)
            _want(type(value) is int and value > 0, key, value, "a whole number above 0")
        _want(bool(_NAME.fullmatch(self.name)), "name", self.name, "letters, digits, '.', '-' and '_'")
        poolings = POOLINGS + (("attention",) if self.architecture in RECORD_ARCHITECTURES else ())
        for key, allowed in (("architecture", ARCHITECTURES), ("pooling", poolings)):
            value = getattr(self, key)
            _want(value in allowed, key, value, f"one of {allowed}")
        _want(isinstance(self.normalize, bool), "normalize", self.normalize, "true or false")
        for key, empty in (("serializer", "or null"), ("versions", ""), ("trained_on", ""), ("metrics", "")):
            value = getattr(self, key)
            good = isinstance(value, Mapping) or (value is None and bool(empty))
            _want(good, key, value, f"an object {empty}".strip())
        _want(bool(self.files), "files", "[]", "at least one file")
        # two names that differ in case only are one file on some systems, and one would hide the other
        paths = [file.path.casefold() for file in self.files]
        _want(len(set(paths)) == len(paths), "files", [file.path for file in self.files], "every path once")
        self._check_since_2()

    def _check_since_2(self) -> None:
        early = [key for key, empty in SINCE_2.items() if self.format == 1 and getattr(self, key) != empty]
        _want(not early, "format", f"1 with {early}", "2 where these keys are used")
        text = self.architecture == "onnx-text"
        _want(text or self.format > 1, "format", self.format, "2")
        _want(text or not self.prefix, "prefix", self.prefix, "empty: such a folder holds its own prompts")
        _want(isinstance(self.languages, tuple), "languages", self.languages, "a list of codes")
        codes: tuple[object, ...] = self.languages
        for code in codes:
            good = isinstance(code, str) and bool(_LANGUAGE.fullmatch(code))
            _want(good, "languages", code, "a code such as 'en' or 'pt-BR', or 'multilingual'")
        _want(_is_json(self.trained_on), "trained_on", self.trained_on, "an object of plain values")
        for name, number in self.metrics.items():
            good = type(number) in (int, float) and math.isfinite(number) and isinstance(name, str)
            _want(good, "metrics", f"{name}: {number}", "a finite number by its name")
        listed = self.decision is None or self.decision in {file.path for file in self.files}
        good = listed and (self.decision is None or self.decision.endswith(".json"))
        _want(good, "decision", self.decision, "a JSON file that the manifest lists, or null")

    def to_dict(self) -> dict[str, object]:
        """The manifest as plain values, ready for JSON.

        Returns:
            Values by field name; keys of a newer format are left out.
        """
        values = asdict(self)
        values["files"] = [asdict(file) for file in self.files]
        values["languages"] = list(self.languages)
        since = SINCE_2 if self.format == 1 else {}
        values = {key: value for key, value in values.items() if key not in since}
        return {"format": values.pop("format"), **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Manifest:
        """Make a manifest of plain values.

        Args:
            values: The content of the JSON file.

        Returns:
            The manifest.

        Raises:
            ManifestError: A key is unknown or missing, a value is of the wrong kind, the format is newer
                than this version reads, or a path leaves the folder.
        """
        number = values.get("format", 0)
        _want(type(number) is int and number >= 1, "format", number, "a whole number above 0")
        if number > FORMAT:
            raise ManifestError(
                "The model's manifest has a newer format than this version reads.",
                f"format {number}, read are 1 to {FORMAT}",
                "Update with `pip install --upgrade linktransformer`.",
            )
        _same_keys(cls, values, "manifest", set(SINCE_2) if number == 1 else set())
        files = values["files"]
        _want(isinstance(files, (list, tuple)), "files", files, "a list")
        for file in files:
            _want(isinstance(file, Mapping), "files", file, "a list of objects")
            _same_keys(ModelFile, file, "manifest's file")
        languages = values.get("languages", ())
        _want(isinstance(languages, (list, tuple)), "languages", languages, "a list of codes")
        listed = tuple(ModelFile(**file) for file in files)
        return cls(**{**values, "files": listed, "languages": tuple(languages)})

    def save(self, folder: Path) -> None:
        """Write the manifest into a folder.

        Args:
            folder: The model's folder.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Read the manifest of a model folder, without looking at the files."""
    path = folder / MANIFEST_NAME
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        inside = sorted(found.parent for found in folder.glob(f"*/{MANIFEST_NAME}"))
        remedy = "Give the folder that holds the manifest."
        if inside:  # the folder of a training run
            remedy = f"Its folder {inside[0].name!r} is a model: give {str(inside[0])!r}."
        raise ModelNotFoundError(
            f"The folder has no {MANIFEST_NAME}, so it is not a model folder of this package.",
            str(folder),
            remedy,
        ) from None
    except ValueError as error:
        raise ManifestError(
            "The model's manifest is not JSON.", f"{path}: {error}", "Download the model again."
        ) from None
    if not isinstance(values, dict):
        raise ManifestError("The model's manifest is not an object.", path, "Download the model again.")
    return Manifest.from_dict(values)


def check_path(path: object) -> None:
    """Refuse a path that could lead out of the model's folder.

    Example:
        >>> check_path("onnx/model.onnx")
        >>> check_path("../model.onnx")
        Traceback (most recent call last):
        ...
        model_hub.errors.ManifestError: A path in the model's manifest may lead out of its folder. ...
    """
    parts = path.split("/") if isinstance(path, str) else [""]
    bad = any(
        part in ("", ".", "..") or set(part) & set('\\:*?"<>|') or not part.isprintable() for part in parts
    )
    if bad or path == MANIFEST_NAME:
        raise ManifestError(
            "A path in the model's manifest may lead out of its folder."
            if path != MANIFEST_NAME
            else "The model's manifest lists itself.",
            repr(path),
            "Do not use this model: download it again from a source that you trust.",
        )


def _same_keys(
    kind: type[Manifest | ModelFile], values: Mapping[str, object], where: str, later: set[str] | None = None
) -> None:
    keys = {item.name for item in fields(kind)} - (later or set())
    needed = keys - _SINCE_1 - set(SINCE_2)
    unknown, missing = sorted(set(values) - keys), sorted(needed - set(values))
    if unknown:
        raise ManifestError(f"The model's {where} has unknown keys.", unknown, f"Known are {sorted(keys)}.")
    if missing:
        raise ManifestError(f"The model's {where} lacks keys.", missing, "Download the model again.")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _want(good: bool, key: str, value: object, expected: str) -> None:
    if not good:
        raise ManifestError(
            f"The model's manifest has a wrong {key!r}.", repr(value)[:200], f"It should be {expected}."
        )
