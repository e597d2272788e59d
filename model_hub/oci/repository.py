"""Models in an OCI registry, such as a company has for its containers: one image manifest, one layer a file.

The protocol is implemented on the standard library. The client from PyPI, `oras`, depends on `requests` and
`jsonschema`, restarts a broken download, and writes files by the titles of layers; the few requests below
continue a download, check each byte and refuse titles that lead out of the folder. `httpx` would replace the
redirect handler only, and whether it is installed, and under which name, depends on the version of
huggingface_hub.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_hub.errors import ChecksumError, ManifestError, ModelHubError, ModelNotFoundError
from model_hub.folder import CARD_NAME, ModelFolder, dangerous_name, sha256, unsafe
from model_hub.manifest import MANIFEST_NAME, check_path, read
from model_hub.oci.auth import credentials
from model_hub.oci.blobs import Layer, download, upload
from model_hub.oci.registry import Registry
from model_hub.remote import Progress
from model_hub.store import PARTS

logger = logging.getLogger(__name__)
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
ARTIFACT = "application/vnd.linktransformer.model.v1"
LAYER = "application/vnd.linktransformer.model.file.v1"
EMPTY = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(),
    "size": 2,
}
TITLE = "org.opencontainers.image.title"
LIMIT = 4 << 20  # bytes of a manifest, as registries have it
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class OciRepository:
    """One repository of a registry, by host and path; see `credentials` for the token."""

    def __init__(self, name: str, *, token: str | None = None, insecure: bool = False) -> None:
        host, _, self.path = name.partition("/")
        self.key = f"oci://{name}"
        self.registry = Registry(host, credentials(host, token, self.path), insecure)

    def pin(self, revision: str | None) -> str:
        """The digest "sha256:..." of a tag; a digest is returned without a request, None is "latest"."""
        revision = revision or "latest"
        if revision.startswith("sha256:"):
            if not _DIGEST.fullmatch(revision):
                raise ModelNotFoundError(
                    "The hash is not whole.", revision, "Give sha256: and 64 hexadecimal digits, or a tag."
                )
            return revision
        return _digest(self._followed(self._image(revision), f"{self.key}:{revision}"))

    def fetch(self, pinned: str, staging: Path, progress: Progress | None) -> None:
        """Download the model of a digest into a folder, continuing an earlier try."""
        content = self._image(pinned)
        if _digest(content) != pinned:
            raise ChecksumError(
                "The registry sent another image than requested.",
                f"{_digest(content)} for {self.key}@{pinned}",
                "Report this to the operator of the registry.",
            )
        content = self._followed(content, f"{self.key}@{pinned}")
        layers = read_layers(content, f"{self.key}@{pinned}")
        if layers[MANIFEST_NAME].size > LIMIT:
            raise ManifestError("The model's manifest is too long.", f"{self.key}@{pinned}", "Do not use it.")
        self._get(layers.pop(MANIFEST_NAME), staging, progress)
        files = [_listed(layers, file.path, file.sha256, self.key) for file in read(staging).files]
        if CARD_NAME in layers and layers[CARD_NAME].size <= LIMIT:
            files.append(layers[CARD_NAME])
        if left := sorted(set(layers) - {layer.path for layer in files}):
            logger.info("not fetched, for the model's manifest does not list them: %s", left)
        for layer in files:
            self._get(layer, staging, progress)

    def push(self, model: ModelFolder, card: str, revision: str | None, progress: Progress | None) -> str:
        """Upload a model: its files first, the tag last, so that the tag never names half a model."""
        layers = []
        for name in (MANIFEST_NAME, *(file.path for file in model.manifest.files)):
            path = model.path / name
            layer = Layer(name, "sha256:" + sha256(path), path.stat().st_size)
            upload(self.registry, self.path, layer, path, progress)
            layers.append(layer)
        for content, title in ((card.encode(), CARD_NAME), (b"{}", "")):
            layer = Layer(title, _digest(content), len(content))
            upload(self.registry, self.path, layer, content, progress)
            layers += [layer] if title else []
        manifest = model.manifest
        image = {
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "artifactType": ARTIFACT,
            "config": EMPTY,
            "layers": [
                {
                    "mediaType": LAYER,
                    "digest": layer.digest,
                    "size": layer.size,
                    "annotations": {TITLE: layer.path},
                }
                for layer in layers
            ],
            "annotations": {
                "org.opencontainers.image.title": manifest.name,
                "org.opencontainers.image.licenses": manifest.licence,
                "org.opencontainers.image.description": manifest.description or manifest.task,
            },
        }
        content = json.dumps(image, separators=(",", ":"), sort_keys=True).encode()
        where = f"/v2/{self.path}/manifests/{urllib.parse.quote(revision or 'latest')}"
        self.registry.ask("PUT", where, headers={"Content-Type": IMAGE}, body=content, good=(200, 201))
        return _digest(content)

    def tags(self) -> tuple[str, ...]:
        """The tags, in alphabetical order."""
        path: str | None = f"/v2/{self.path}/tags/list"
        tags: set[str] = set()
        for _ in range(1000):  # pages
            if path is None:
                break
            answer = self.registry.ask("GET", path)
            try:
                tags |= {str(tag) for tag in json.loads(answer.content).get("tags") or []}
            except (ValueError, AttributeError, TypeError):
                raise ModelHubError(
                    "The registry gave no list of tags.", self.key, "Check the name."
                ) from None
            link = re.match(r"\s*<([^>]+)>", answer.headers.get("Link") or "")
            path = urllib.parse.urljoin(path, link.group(1)) if link else None
        return tuple(sorted(tags))

    def _image(self, revision: str) -> bytes:
        where = f"/v2/{self.path}/manifests/{urllib.parse.quote(revision, safe=':')}"
        accepted = ", ".join((IMAGE, *INDEXES))
        return bytes(self.registry.ask("GET", where, headers={"Accept": accepted}, limit=LIMIT).content)

    def _followed(self, content: bytes, where: str) -> bytes:
        """An image as it is; of an index the one image in it, checked against the digest there."""
        digest = only_image(content, where)
        if digest is None:
            return content
        image = self._image(digest)
        if _digest(image) != digest:
            raise ChecksumError(
                "The registry sent another image than its index lists.",
                f"{_digest(image)} in place of {digest} for {where}",
                "Report this to the operator of the registry.",
            )
        return image

    def _get(self, layer: Layer, staging: Path, progress: Progress | None) -> None:
        target = staging / layer.path
        if target.is_file() and sha256(target) == layer.digest.removeprefix("sha256:"):
            return  # from an earlier try
        parts = staging / PARTS
        parts.mkdir(exist_ok=True)
        part = parts / layer.digest.removeprefix("sha256:")
        download(self.registry, self.path, layer, part, progress)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)


def only_image(content: bytes, where: str) -> str | None:
    """The digest of the one image in an index; None for what is not an index. Several images are refused.

    Of several the one that says it is a model; signatures and attestations do not count.
    """
    try:
        index = json.loads(content)
        if index.get("mediaType") not in INDEXES and "manifests" not in index:
            return None
        images = [
            (str(entry["digest"]), entry.get("artifactType"))
            for entry in index["manifests"]
            if entry.get("mediaType", IMAGE) == IMAGE
            and not (entry.get("annotations") or {}).get("vnd.docker.reference.type")
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # `read_layers` says what is wrong
    models = [digest for digest, kind in images if kind == ARTIFACT] or [digest for digest, _ in images]
    if len(models) != 1 or not _DIGEST.fullmatch(models[0]):
        raise ManifestError(
            f"The tag names an index of {len(models)} images, and which one is the model is not said.",
            where,
            "Give the digest of the image: oci://host/name@sha256:...",
        )
    return models[0]


def read_layers(content: bytes, where: str) -> dict[str, Layer]:
    """The layers of an image by the path of their file; an image that is not a safe model is refused."""
    try:
        image = json.loads(content)
        kind, layers = image.get("artifactType"), [_layer(entry) for entry in image["layers"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ManifestError(
            "This is not an image of a model.", where, "Check the name and the tag."
        ) from None
    if kind != ARTIFACT:
        raise ManifestError(
            "This image is not a model of ours.",
            f"{where} of the type {kind!r}",
            "Check the name and the tag.",
        )
    by_path: dict[str, Layer] = {}
    for layer in layers:
        if layer.path != MANIFEST_NAME:
            check_path(layer.path)
        if layer.path.casefold() in {path.casefold() for path in by_path}:
            raise ManifestError(
                "The image holds a file twice.", f"{layer.path!r} in {where}", "Do not use it."
            )
        if reason := dangerous_name(layer.path):
            raise unsafe(f"{layer.path} in {where}", reason)
        by_path[layer.path] = layer
    if MANIFEST_NAME not in by_path:
        raise ManifestError(f"The image holds no {MANIFEST_NAME}.", where, "Publish it with `publish`.")
    return by_path


def _layer(entry: Mapping[str, Any]) -> Layer:
    digest, size, title = entry["digest"], entry["size"], entry["annotations"][TITLE]
    if not _DIGEST.fullmatch(digest) or type(size) is not int or size < 0 or not isinstance(title, str):
        raise ValueError(digest)
    return Layer(title, digest, size)


def _listed(layers: Mapping[str, Layer], path: str, digest: str, where: str) -> Layer:
    layer = layers.get(path)
    if layer is None or layer.digest != f"sha256:{digest}":
        raise ChecksumError(
            "The image does not hold the file that the model's manifest describes.",
            f"{path} in {where}: {layer.digest if layer else 'missing'} instead of sha256:{digest}",
            "Publish the model again.",
        )
    return layer


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
