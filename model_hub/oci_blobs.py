"""Files to and from a registry in pieces: what has arrived is not sent twice, and every byte is checked."""

from __future__ import annotations

import io
import logging
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_hub.errors import ChecksumError, ModelHubError, ModelNotFoundError, TransferError
from model_hub.folder import sha256
from model_hub.oci_http import BROKEN, Answer, Bytes, Registry, again
from model_hub.remote import Progress

logger = logging.getLogger(__name__)
CHUNK = 16 << 20  # a longer file is sent in pieces of so many bytes, so that a drop costs one piece
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Layer:
    """A file of an image."""

    path: str
    digest: str
    size: int

    def described(self, media: str, title: str) -> dict[str, Any]:
        """The layer as an image manifest writes it.

        Args:
            media: The media type.
            title: The annotation that holds the path.

        Returns:
            Plain values.
        """
        return {
            "mediaType": media,
            "digest": self.digest,
            "size": self.size,
            "annotations": {title: self.path},
        }


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file as a request's body."""

    path: Path
    start: int
    size: int
    progress: Progress | None = None

    def open(self) -> Any:
        """A stream of these bytes alone.

        Returns:
            A readable stream.
        """
        return _Reader(self)


class _Reader(io.RawIOBase):
    """Reads a piece of a file and says how far it has come."""

    def __init__(self, piece: Piece) -> None:
        self._left, self._progress = piece.size, piece.progress
        self._stream = piece.path.open("rb")
        self._stream.seek(piece.start)

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(min(self._left, size if size >= 0 else self._left))
        self._left -= len(block)
        if self._progress is not None and block:
            self._progress(len(block))
        return block

    def close(self) -> None:
        self._stream.close()
        super().close()


def download(
    registry: Registry, repository: str, layer: Layer, part: Path, progress: Progress | None
) -> None:
    """Fetch a file; what an earlier try left in `part` is not fetched again.

    Args:
        registry: Where from.
        repository: The repository's path.
        layer: Which file.
        part: Where to write it.
        progress: Called with the number of bytes that came since its last call.

    Raises:
        ChecksumError: What came is not the file; nothing of it is kept.
        TransferError: The connection broke and did not come back.
    """
    where = f"/v2/{repository}/blobs/{layer.digest}"

    def have() -> int:
        return part.stat().st_size if part.exists() else 0

    def once() -> None:
        if have() > layer.size:
            part.unlink()
        if have() < layer.size:
            _receive(registry, where, layer, part, progress)

    again(once, have)
    if not part.exists():
        part.touch()  # an empty file
    if (got := sha256(part)) != layer.digest.removeprefix("sha256:"):
        part.unlink()
        raise ChecksumError(
            "A file came from the registry damaged or changed.",
            f"{layer.path}: sha256:{got} instead of {layer.digest}",
            "Nothing of it was kept. Try again; if it stays, publish the model anew.",
        )


def _receive(registry: Registry, where: str, layer: Layer, part: Path, progress: Progress | None) -> None:
    start = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    with registry.stream("GET", where, headers=headers, good=(200, 206, 416)) as answer:
        if answer.status == 416:
            part.unlink(missing_ok=True)
            raise TransferError("The registry has no such part of the file.", where, "Try again.")
        goes_on = str(answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-")
        mode = "ab" if answer.status == 206 and goes_on else "wb"
        if answer.status == 206 and not goes_on and start:
            part.unlink(missing_ok=True)
            raise TransferError("The registry sent another part than the one asked for.", where, "Try again.")
        left = layer.size - (start if mode == "ab" else 0)
        with part.open(mode) as stream:
            while left > 0:
                try:
                    block = answer.read(min(BLOCK, left))
                except BROKEN as error:
                    raise _dropped(layer, f"{type(error).__name__}") from None
                if not block:
                    raise _dropped(layer, f"{left} of {layer.size} bytes did not come")
                stream.write(block)
                left -= len(block)
                if progress is not None:
                    progress(len(block))


def upload(
    registry: Registry, repository: str, layer: Layer, source: Path | bytes, progress: Progress | None
) -> None:
    """Send a file, unless the registry has it.

    Args:
        registry: Where to.
        repository: The repository's path.
        layer: Which file.
        source: The file, or its bytes.
        progress: Called with the number of bytes that went since its last call.

    Raises:
        TransferError: The connection broke and did not come back; the registry shows nothing of the file.
        AccessError: The registry does not let us write.
    """
    where = f"/v2/{repository}/blobs"
    try:
        registry.ask("HEAD", f"{where}/{layer.digest}")
        logger.debug("the registry has %s", layer.path)
        if progress is not None:
            progress(layer.size)
        return
    except ModelNotFoundError:
        pass
    if isinstance(source, bytes) or layer.size <= CHUNK:
        again(lambda: _whole(registry, where, layer, source, progress))
        return
    try:
        _in_pieces(registry, where, layer, source, progress)
    except TransferError:
        raise
    except ModelHubError as error:  # some registries take a file in one go only
        logger.info("sending %s in one piece: %s", layer.path, error)
        again(lambda: _whole(registry, where, layer, source, progress))


def _begin(registry: Registry, where: str) -> str:
    answer = registry.ask("POST", f"{where}/uploads/", body=Bytes(), good=(202,))
    return _location(answer, f"{where}/uploads/")


def _whole(
    registry: Registry, where: str, layer: Layer, source: Path | bytes, progress: Progress | None
) -> None:
    body: Any = Bytes(source) if isinstance(source, bytes) else Piece(source, 0, layer.size, progress)
    with registry.stream("PUT", _finish(_begin(registry, where), layer), body=body, good=(201,)):
        pass


def _in_pieces(registry: Registry, where: str, layer: Layer, source: Path, progress: Progress | None) -> None:
    place, done, broken = _begin(registry, where), 0, False

    def once() -> None:
        nonlocal place, done, broken
        if broken:
            place, done = _resumed(registry, where, place)
            broken = False
        while done < layer.size:
            piece = Piece(source, done, min(CHUNK, layer.size - done), progress)
            headers = {"Content-Range": f"{done}-{done + piece.size - 1}"}
            try:
                with registry.stream("PATCH", place, headers=headers, body=piece, good=(202,)) as answer:
                    place, done = _location(answer, place), done + piece.size
            except TransferError:
                broken = True
                raise

    again(once, lambda: done)
    registry.ask("PUT", _finish(place, layer), body=Bytes(), good=(201,))


def _resumed(registry: Registry, where: str, place: str) -> tuple[str, int]:
    """Where an upload goes on after a drop, and how much has arrived; a new upload when it is not known."""
    try:
        answer = registry.ask("GET", place, good=(204,))
        first, _, last = (answer.headers.get("Range") or "").removeprefix("bytes=").partition("-")
        # "0-0" is also what some say of nothing at all: then the piece is sent from its beginning
        if first == "0" and last.isdigit() and int(last) > 0:
            return _location(answer, place), int(last) + 1
    except TransferError:
        raise
    except ModelHubError:
        pass
    return _begin(registry, where), 0


def _location(answer: Answer | Any, before: str) -> str:
    return urllib.parse.urljoin(before, str(answer.headers.get("Location") or before))


def _finish(place: str, layer: Layer) -> str:
    return place + ("&" if "?" in place else "?") + urllib.parse.urlencode({"digest": layer.digest})


def _dropped(layer: Layer, why: str) -> TransferError:
    return TransferError(
        "The connection to the registry broke.",
        f"{layer.path}: {why}",
        "Try again: what has come so far is kept.",
    )
