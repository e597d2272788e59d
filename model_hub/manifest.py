"""The manifest of a model: what it is, where it comes from, and the hash of every file."""

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
RECORD_ARCHITECTURES = ("clippings", "clippings-onnx", "clippings-clip")
ARCHITECTURES = ("onnx-text", "sentence-transformers", *RECORD_ARCHITECTURES)
POOLINGS = ("mean", "cls")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,12}(-[A-Za-z0-9]{1,8})*")
# what format 1 did not have, with what it means when it is left out
SINCE_2: Mapping[str, Any] = {
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
    """What a model folder says of itself.

    Attributes:
        format: Number of the manifest's format; the keys from `base_revision` on came with format 2.
        name: The model's name, letters, digits, dots, dashes and underscores.
        architecture: How the model is run; "onnx-text" is one graph and a tokenizer,
            "sentence-transformers" a folder that SentenceTransformer opens, with safetensors weights.
            Models of pictures and texts are "clippings" (safetensors), "clippings-onnx" (graphs) and
            "clippings-clip" (a CLIP model's safetensors).
        base_model: The model that this one was made from.
        source: Where the base model's weights were taken from.
        revision: Which state of the base model, as a commit or a hash.
        licence: SPDX name of the weights' licence.
        dimension: Length of a vector.
        pooling: How token vectors become one vector: "mean", "cls", or "attention" in models of pictures and
            texts.
        normalize: Whether vectors are scaled to length one.
        max_tokens: Texts are cut after so many tokens, the special ones included; models that read characters
            count these.
        prefix: Text put before every input; a sentence-transformers folder holds its own prompts instead.
        files: Every file of the model but the manifest.
        serializer: How rows were made into texts when the model was trained, or None.
        versions: Versions of the libraries that made the model.
        created_by: The recipe that made the folder.
        base_revision: The commit of the base model that training started from; "" where nothing was trained.
        languages: BCP 47 codes such as "en", or "multilingual".
        trained_on: What it was trained on: rows, entities, splits, loss, a fingerprint of the data.
        metrics: Measured numbers by name.
        measured_on: Fingerprint of the data that the metrics were measured on.
        decision: A JSON file of the folder that says how scores become links, or None.
        task: What it was made for, in a word or two.
        description: What it is, in a sentence or two.
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
    serializer: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    created_by: str = ""
    base_revision: str = ""
    languages: tuple[str, ...] = ()
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    measured_on: str = ""
    decision: str | None = None
    task: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        texts = ("name", "architecture", "base_model", "source", "revision", "licence", "pooling", "prefix")
        for key in (*texts, "created_by", "base_revision", "measured_on", "task", "description"):
            _want(isinstance(getattr(self, key), str), key, getattr(self, key), "a text")
        for key in ("dimension", "max_tokens"):
            value = getattr(self, key)
            _want(type(value) is int and value > 0, key, value, "a whole number above 0")
        _want(bool(_NAME.fullmatch(self.name)), "name", self.name, "letters, digits, '.', '-' and '_'")
        _want(
            self.architecture in ARCHITECTURES,
            "architecture",
            self.architecture,
            "one of " + str(ARCHITECTURES),
        )
        known = POOLINGS + (("attention",) if self.architecture in RECORD_ARCHITECTURES else ())
        _want(self.pooling in known, "pooling", self.pooling, f"one of {known}")
        _want(isinstance(self.normalize, bool), "normalize", self.normalize, "true or false")
        _want(self.serializer is None or isinstance(self.serializer, Mapping),
              "serializer", self.serializer, "an object or null")  # fmt: skip
        _want(isinstance(self.versions, Mapping), "versions", self.versions, "an object")
        _want(bool(self.files), "files", "[]", "at least one file")
        paths = [file.path for file in self.files]
        _want(len(set(paths)) == len(paths), "files", paths, "every path once")
        # two names that differ in case only are one file on some systems, and one would hide the other
        _want(len({path.casefold() for path in paths}) == len(paths), "files", paths, "every path once")
        self._check_since_2()

    def _check_since_2(self) -> None:
        early = [key for key, empty in SINCE_2.items() if self.format == 1 and getattr(self, key) != empty]
        _want(not early, "format", f"1 with {early}", "2 where these keys are used")
        _want(self.architecture == "onnx-text" or self.format > 1, "format", self.format, "2")
        _want(self.architecture == "onnx-text" or not self.prefix, "prefix", self.prefix,
              "empty: such a folder holds its own prompts")  # fmt: skip
        _want(isinstance(self.languages, tuple), "languages", self.languages, "a list of codes")
        for code in _any(self.languages):
            good = isinstance(code, str) and bool(_LANGUAGE.fullmatch(code))
            _want(good, "languages", code, "a code such as 'en' or 'pt-BR', or 'multilingual'")
        _want(isinstance(_any(self.trained_on), Mapping) and _is_json(self.trained_on),
              "trained_on", self.trained_on, "an object of plain values")  # fmt: skip
        _want(isinstance(self.metrics, Mapping), "metrics", self.metrics, "an object of numbers")
        for name, number in _any(self.metrics).items():
            good = type(number) in (int, float) and math.isfinite(number) and isinstance(name, str)
            _want(good, "metrics", f"{name}: {number}", "a finite number by its name")
        listed = self.decision is None or self.decision in {file.path for file in self.files}
        _want(listed and (self.decision is None or self.decision.endswith(".json")),
              "decision", self.decision, "a JSON file that the manifest lists, or null")  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The manifest as plain values, ready for JSON.

        Returns:
            Values by field name; fields that the format does not have are left out.
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
            values: What stands in the JSON file.

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
    """Read the manifest of a model folder.

    Args:
        folder: The model's folder.

    Returns:
        The manifest; the files themselves are not looked at.

    Raises:
        ModelNotFoundError: There is no manifest.
        ManifestError: The manifest is not JSON, or says what it may not say.
    """
    path = folder / MANIFEST_NAME
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelNotFoundError(
            f"The folder has no {MANIFEST_NAME}, so it is not a model folder of ours.",
            str(folder),
            "Give the folder that holds the manifest.",
        ) from None
    except ValueError as error:
        raise ManifestError(
            "The model's manifest is not JSON.", f"{path}: {error}", "Get the model folder anew."
        ) from None
    if not isinstance(values, dict):
        raise ManifestError("The model's manifest is not an object.", path, "Get the model folder anew.")
    return Manifest.from_dict(values)


def check_path(path: object) -> None:
    """Refuse a path that could lead out of the model's folder.

    Args:
        path: A path as it stands in a manifest.

    Raises:
        ManifestError: It is absolute, holds "..", a backslash, a colon or a control character, or is not
            in its simplest form.

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
            "Do not use this model: get it anew from somebody you trust.",
        )


def _same_keys(
    kind: type[Manifest | ModelFile], values: Mapping[str, Any], where: str, later: set[str] | None = None
) -> None:
    known = {item.name for item in fields(kind)} - (later or set())
    needed = known - _SINCE_1 - set(SINCE_2)
    unknown, missing = sorted(set(values) - known), sorted(needed - set(values))
    if unknown:
        raise ManifestError(f"The model's {where} has unknown keys.", unknown, f"Known are {sorted(known)}.")
    if missing:
        raise ManifestError(f"The model's {where} lacks keys.", missing, "Get the model folder anew.")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _any(value: Any) -> Any:
    """A value of which the declared type is not to be believed, for it comes from a file."""
    return value


def _want(good: bool, key: str, value: object, wanted: str) -> None:
    if not good:
        raise ManifestError(
            f"The model's manifest has a wrong {key!r}.", repr(value)[:200], f"It should be {wanted}."
        )
