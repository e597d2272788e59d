"""A model folder of others is read before it is loaded: what cannot work is refused in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from clippings.errors import EncoderError, MissingPackageError

__all__ = ["check_folder", "read_object", "refuse_pointers", "tensor_names", "weights_of_another_kind"]

POINTER = b"version https://git-lfs.github.com/spec/"
ADAPTER = "adapter_config.json"
LARGEST_HEADER = 100_000_000  # bytes, as safetensors has it
# architectures whose names of weights are the same in files and in memory
SAME_NAMES = frozenset({"bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "camembert", "electra"})
UNUSED = ("pooler", "position_ids", "lm_head", "cls.", "rotary", "inv_freq")
WRAPPED = ".base_layer."
OLD_ENDINGS = {".gamma": ".weight", ".beta": ".bias"}  # of LayerNorm, in files of 2019


def check_folder(folder: Path) -> None:
    """Refuse a folder of sentence-transformers that cannot be loaded as it is.

    Raises `EncoderError` for Git LFS pointers, broken JSON, truncated safetensors, a module whose folder is
    missing, routes without a default, and an adapter without the package peft (`MissingPackageError`).
    """
    refuse_pointers(folder)
    for path in sorted(folder.rglob("*.json")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            _read(path)
    for path in sorted(folder.rglob("*.safetensors")):
        tensor_names(path)
    for path in sorted(folder.rglob(ADAPTER)):
        if find_spec("peft") is None:
            raise MissingPackageError(
                "peft", f"The adapter ({ADAPTER}) in the model's folder {str(path.parent)!r}", "adapters"
            )
    _check_modules(folder)


def read_object(path: Path) -> dict[str, object]:
    """A JSON object of a file; `EncoderError` if it is not one."""
    values = _read(path)
    if not isinstance(values, dict):
        raise EncoderError(
            f"A file of the model is not a JSON object. Given: {path}, a {type(values).__name__}. "
            "Download the model again."
        )
    return values


def refuse_pointers(folder: Path) -> None:
    """Refuse files that Git LFS has not fetched."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size < 1024 and path.read_bytes().startswith(POINTER):
            raise EncoderError(
                "A file of the model is a Git LFS pointer: the file itself was never fetched. Given: "
                f"{path}. Run `git lfs pull` in that folder."
            )


def tensor_names(path: Path) -> list[str]:
    """Names of the tensors in a safetensors file; `EncoderError` if it is damaged or not whole."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        whole = size > 8 and 2 <= length <= min(LARGEST_HEADER, size - 8)
        try:
            header = json.loads(stream.read(length)) if whole else None
            tensors = {name: value for name, value in (header or {}).items() if name != "__metadata__"}
            end = max((int(value["data_offsets"][1]) for value in tensors.values()), default=0)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            header, tensors, end = None, {}, 0
    if header is None or 8 + length + end != size:
        expected = "a header that can be read" if header is None else f"{8 + length + end} bytes"
        raise EncoderError(
            f"The model's weights are damaged or not whole. Given: {path} of {size} bytes, in place of "
            f"{expected}. Download the model again."
        )
    return list(tensors)


def weights_of_another_kind(folder: Path, model_type: str, needed: list[str]) -> str | None:
    """Which of a transformer's weights a folder lacks, in words; None where it has them.

    `needed` are the names in memory. Names in files may have a prefix ("bert."). Of architectures whose names
    are not the same in files, half of the weights have to be there.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files or (folder / ADAPTER).exists():
        return None
    stored = set()
    for path in files:
        for name in tensor_names(path):
            ending = next((end for end in OLD_ENDINGS if name.endswith(end)), "")
            name = name.removesuffix(ending) + OLD_ENDINGS.get(ending, "")
            stored |= set(_endings(name))
    used = [name for name in _of_base(needed) if not any(part in name for part in UNUSED)]
    missing = [name for name in used if name not in stored]
    allowed = 0 if model_type in SAME_NAMES else len(used) // 2
    if len(missing) <= allowed:
        return None
    return f"{len(missing)} of {len(used)} weights of a {model_type!r}, such as {missing[0]}"


def _of_base(names: list[str]) -> list[str]:
    """Names of weights without those of an adapter, which wraps layers as `base_layer`."""
    wrapped = {name.partition(WRAPPED)[0] + "." for name in names if WRAPPED in name}
    own = [name for name in names if WRAPPED in name or not any(name.startswith(layer) for layer in wrapped)]
    return [name.replace(WRAPPED, ".") for name in own]


def _endings(name: str) -> Iterator[str]:
    """A name, and it without its first one to three parts."""
    parts = name.split(".")
    return (".".join(parts[first:]) for first in range(min(4, len(parts))))


def _check_modules(folder: Path) -> None:
    """The modules that modules.json lists are there, and routes have a default."""
    if not (folder / "modules.json").is_file():
        return
    modules = _read(folder / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(module, Mapping) for module in modules):
        raise EncoderError(
            f"modules.json does not list the model's modules. Given: {folder}. Download the model again."
        )
    for module in modules:
        kind, place = str(module.get("type", "")).rpartition(".")[2], str(module.get("path") or "")
        # modules without settings are saved without a folder
        if place and kind not in ("Normalize", "LayerNorm") and not (folder / place).is_dir():
            raise EncoderError(
                f"A part of the model is missing. Given: modules.json lists {kind!r} in {place!r}, and "
                f"{folder} has no such folder. Download the model again."
            )
        if place and kind == "Pooling" and not (folder / place / "config.json").is_file():
            raise EncoderError(
                f"The model's pooling is not described. Given: {folder / place} without config.json. "
                "Download the model again."
            )


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise EncoderError(
            f"A file of the model is not JSON. Given: {path}: {error}. Download the model again."
        ) from None
