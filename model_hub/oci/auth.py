"""Credentials of a registry: none, a name and password, or a token that it hands out.

Keys come from the caller, the environment or docker's config file. They stay in memory, and are sent only to
their registry, or to the token service that it names.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of one registry; they are not printed."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)  # sent to the registry as it is
    refresh: str = field(default="", repr=False)  # exchanged for a token
    helper: str = ""  # a program that is said to have the keys; it is not run

    @property
    def basic(self) -> str:
        """The header for a name and password; empty without them."""
        if not self.user:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Challenge:
    """The authentication that a registry asks for in a 401 response."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def credentials(host: str, token: str | None = None, path: str = "") -> Credentials:
    """The credentials for a repository `path` of a registry, a host with its port; empty ones are anonymous.

    `token` is "user:password" or a token, from the caller; None looks in the environment
    (LINKTRANSFORMER_OCI_USER and LINKTRANSFORMER_OCI_PASSWORD, for the one registry LINKTRANSFORMER_OCI_HOST
    where that is set), then in the files of `key_files`.

    Example:
        >>> credentials("localhost:5000", "ann:secret")
        Credentials(helper='')
    """
    if token:
        user, colon, password = token.partition(":")
        return Credentials(user, password) if colon else Credentials(bearer=token)
    user, password = (os.environ.get(f"LINKTRANSFORMER_OCI_{name}", "") for name in ("USER", "PASSWORD"))
    if user and os.environ.get("LINKTRANSFORMER_OCI_HOST", host) == host:
        return Credentials(user, password)
    found = [_of_file(file, host, path) for file in key_files()]
    named = [one for one in found if one.helper]
    return next((one for one in found if one.basic or one.refresh), named[0] if named else Credentials())


def key_files() -> list[Path]:
    """The files in which docker and podman keep keys: of REGISTRY_AUTH_FILE, docker's, podman's."""
    home = Path.home()
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    podman = [Path(runtime) / "containers" / "auth.json"] if runtime else []
    named = os.environ.get("REGISTRY_AUTH_FILE")
    return [*([Path(named)] if named else []), docker, *podman, config / "containers" / "auth.json"]


def _of_file(file: Path, host: str, path: str) -> Credentials:
    """The keys in a file of docker's form, of the longest namespace; or the helper that it names."""
    try:
        values = json.loads(file.read_bytes())
        entries = {_plain(name): entry or {} for name, entry in values.get("auths", {}).items()}
        helpers = {_plain(name): str(helper) for name, helper in values.get("credHelpers", {}).items()}
        names = _names(host, path)
        # an empty entry says only that the helper has the keys
        entry = next((entries[name] for name in names if entries.get(name)), {})
        user, _, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
        user, password = str(entry.get("username", user)), str(entry.get("password", password))
        refresh = str(entry.get("identitytoken", ""))
        if user or refresh:
            return Credentials(user, password, refresh=refresh)
        helper = next((helpers[name] for name in names if name in helpers), "")
        return Credentials(helper=helper or str(values.get("credsStore") or ""))
    except FileNotFoundError:
        return Credentials()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        # the file holds keys: the message names only the kind of the error
        logger.warning("%s in %s cannot be read (%s)", file.name, file.parent, type(error).__name__)
        return Credentials()


def _names(host: str, path: str) -> list[str]:
    """Names under which keys of a repository may stand, the longest namespace first."""
    parts = path.split("/") if path else []
    hosts = [host, *(name for name in _DOCKER_HUB if host in _DOCKER_HUB)]
    return ["/".join([name, *parts[:n]]) for n in range(len(parts), -1, -1) for name in hosts]


def _plain(name: str) -> str:
    """A key of docker's file without scheme, slash and version: "https://a.example/v1/" is "a.example"."""
    return re.sub(r"/v[12]$", "", re.sub(r"^https?://", "", name).rstrip("/"))


def challenge(header: str) -> Challenge:
    """Parse a WWW-Authenticate header: the scheme in lower case, and where to get a token.

    Example:
        >>> challenge('Bearer realm="https://a.example/token",service="r",scope="repository:x:pull"').scope
        'repository:x:pull'
    """
    scheme, _, rest = header.strip().partition(" ")
    values = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return Challenge(
        scheme.lower(), values.get("realm", ""), values.get("service", ""), values.get("scope", "")
    )
