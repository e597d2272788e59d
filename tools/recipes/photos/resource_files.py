"""Files of a Qt resource file (.rcc), in which GCompris ships its pictures."""

from __future__ import annotations

import struct
import zlib

COMPRESSED, FOLDER = 1, 2


def members(data: bytes) -> dict[str, bytes]:
    """The files of a resource file by path, where they are stored plainly or by zlib; others are left out.

    Raises ValueError for other files.
    """
    if data[:4] != b"qres":
        raise ValueError(f"Not a Qt resource file. Given: {data[:4]!r}.")
    version, tree, contents, names = struct.unpack(">IIII", data[4:20])
    size = 22 if version >= 2 else 14
    found: dict[str, bytes] = {}
    waiting = [(0, "")]
    while waiting:
        node, folder = waiting.pop()
        at = tree + node * size
        name_at, flags = struct.unpack(">IH", data[at : at + 6])
        path = f"{folder}/{_name(data, names + name_at)}" if node else ""
        if flags & FOLDER:
            count, first = struct.unpack(">II", data[at + 6 : at + 14])
            waiting += [(child, path) for child in range(first, first + count)]
            continue
        start = contents + struct.unpack(">I", data[at + 10 : at + 14])[0]
        length = struct.unpack(">I", data[start : start + 4])[0]
        content = data[start + 4 : start + 4 + length]
        if flags in (0, COMPRESSED):
            found[path.lstrip("/")] = zlib.decompress(content[4:]) if flags else content
    return dict(sorted(found.items()))


def _name(data: bytes, at: int) -> str:
    length = struct.unpack(">H", data[at : at + 2])[0]
    return data[at + 6 : at + 6 + 2 * length].decode("utf-16-be")
