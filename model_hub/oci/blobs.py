"""Files to and from a registry: transfers continue where they stopped, and every byte is checked."""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Generator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from model_hub.errors import ChecksumError, ModelHubError, ModelNotFoundError, TransferError
from model_hub.folder import sha256
from model_hub.oci.registry import BROKEN, Registry, Upload
from model_hub.remote import Progress, retry

logger = logging.getLogger(__name__)
CHUNK = 16 << 20  # bytes of a request; a longer file is sent in several, so that a drop costs one
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Layer:
    """A file of an image."""

    path: str
    digest: str
    size: int


def _span(path: Path, start: int, size: int, progress: Progress | None) -> Upload:
    """Some bytes of a file as a request's body."""

    def blocks() -> Generator[bytes, None, None]:
        with path.open("rb") as stream:
            stream.seek(start)
            left = size
            while left and (block := stream.read(min(BLOCK, left))):
                left -= len(block)
                yield block
                if progress is not None:
                    progress(len(block))

    return Upload(size, blocks)


def download(
    registry: Registry, repository: str, layer: Layer, part: Path, progress: Progress | None
) -> None:
    """Fetch a file into `part`, continuing what an earlier try left there; a wrong digest is an error."""
    where = f"/v2/{repository}/blobs/{layer.digest}"

    def received() -> int:
        return part.stat().st_size if part.exists() else 0

    def once() -> None:
        if received() > layer.size:
            part.unlink()
        if received() < layer.size:
            _receive(registry, where, layer, part, progress)

    retry(once, received)
    part.touch()  # an empty file
    if (digest := sha256(part)) != layer.digest.removeprefix("sha256:"):
        part.unlink()
        raise ChecksumError(
            "A file came from the registry damaged or changed.",
            f"{layer.path}: sha256:{digest} instead of {layer.digest}",
            "Nothing of it was kept. Try again; if it stays, publish the model again.",
        )


def _receive(registry: Registry, where: str, layer: Layer, part: Path, progress: Progress | None) -> None:
    start = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    with registry.stream("GET", where, headers=headers, good=(200, 206, 416)) as reply:
        if reply.status == 416:
            part.unlink(missing_ok=True)
            raise TransferError("The registry has no such part of the file.", where, "Try again.")
        continues = str(reply.headers.get("Content-Range") or "").startswith(f"bytes {start}-")
        mode = "ab" if reply.status == 206 and continues else "wb"
        if reply.status == 206 and not continues and start:
            part.unlink(missing_ok=True)
            raise TransferError("The registry sent another part than requested.", where, "Try again.")
        left = layer.size - (start if mode == "ab" else 0)
        with part.open(mode) as stream:
            while left > 0:
                try:
                    block = reply.read(min(BLOCK, left))
                except BROKEN as error:
                    raise _dropped(layer, type(error).__name__) from None
                if not block:
                    raise _dropped(layer, f"{left} of {layer.size} bytes did not come")
                stream.write(block)
                left -= len(block)
                if progress is not None:
                    progress(len(block))


def upload(
    registry: Registry, repository: str, layer: Layer, source: Path | bytes, progress: Progress | None
) -> None:
    """Send a file, unless the registry has it; after an error the registry shows nothing of it."""
    where = f"/v2/{repository}/blobs"
    try:
        registry.ask("HEAD", f"{where}/{layer.digest}")
        logger.debug("the registry has %s", layer.path)
        if progress is not None:
            progress(layer.size)
        return
    except ModelNotFoundError:
        pass
    if isinstance(source, Path) and layer.size > CHUNK:
        try:
            return _in_chunks(registry, where, layer, source, progress)
        except TransferError:
            raise
        except ModelHubError as error:  # some registries accept whole files only
            logger.info("sending %s in one request: %s", layer.path, error)
    body = source if isinstance(source, bytes) else _span(source, 0, layer.size, progress)

    def whole() -> None:
        with registry.stream("PUT", _finish(_begin(registry, where), layer), body=body, good=(201,)):
            pass

    retry(whole)


def _begin(registry: Registry, where: str) -> str:
    answer = registry.ask("POST", f"{where}/uploads/", body=b"", good=(202,))
    return _location(answer.headers, f"{where}/uploads/")


def _in_chunks(registry: Registry, where: str, layer: Layer, source: Path, progress: Progress | None) -> None:
    place, done, broken = _begin(registry, where), 0, False

    def once() -> None:
        nonlocal place, done, broken
        if broken:
            place, done = _resumed(registry, where, place)
            broken = False
        while done < layer.size:
            size = min(CHUNK, layer.size - done)
            headers = {"Content-Range": f"{done}-{done + size - 1}"}
            body = _span(source, done, size, progress)
            try:
                with registry.stream("PATCH", place, headers=headers, body=body, good=(202,)) as reply:
                    place, done = _location(reply.headers, place), done + size
            except TransferError:
                broken = True
                raise

    retry(once, lambda: done)
    registry.ask("PUT", _finish(place, layer), body=b"", good=(201,))


def _resumed(registry: Registry, where: str, place: str) -> tuple[str, int]:
    """Address and size of a broken upload; a new upload when the registry does not know it."""
    try:
        answer = registry.ask("GET", place, good=(204,))
        first, _, last = (answer.headers.get("Range") or "").removeprefix("bytes=").partition("-")
        # "0-0" is also the answer of some for nothing at all: then the chunk is sent from its beginning
        if first == "0" and last.isdigit() and int(last) > 0:
            return _location(answer.headers, place), int(last) + 1
    except TransferError:
        raise
    except ModelHubError:
        pass
    return _begin(registry, where), 0


def _location(headers: Message, before: str) -> str:
    return urllib.parse.urljoin(before, str(headers.get("Location") or before))


def _finish(place: str, layer: Layer) -> str:
    return place + ("&" if "?" in place else "?") + urllib.parse.urlencode({"digest": layer.digest})


def _dropped(layer: Layer, reason: str) -> TransferError:
    return TransferError(
        "The connection to the registry broke.",
        f"{layer.path}: {reason}",
        "Try again: the download continues where it stopped.",
    )
