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


def credentials(host: str, token: str | None = None) -> Credentials:
    """The credentials for a registry, a host with its port; empty ones are anonymous.

    `token` is "user:password" or a token, from the caller; None looks in the environment
    (LINKTRANSFORMER_OCI_USER and LINKTRANSFORMER_OCI_PASSWORD, for the one registry LINKTRANSFORMER_OCI_HOST
    where that is set), then in docker's config.json.

    Example:
        >>> credentials("localhost:5000", "ann:secret")
        Credentials()
    """
    if token:
        user, colon, password = token.partition(":")
        return Credentials(user, password) if colon else Credentials(bearer=token)
    user, password = (os.environ.get(f"LINKTRANSFORMER_OCI_{name}", "") for name in ("USER", "PASSWORD"))
    if user and os.environ.get("LINKTRANSFORMER_OCI_HOST", host) == host:
        return Credentials(user, password)
    return _of_docker(host)


def _of_docker(host: str) -> Credentials:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        entries = json.loads((folder / "config.json").read_bytes()).get("auths", {})
        names = [host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"]
        if host in _DOCKER_HUB:
            names.append("https://index.docker.io/v1/")
        entry: dict[str, object] = next((entries[name] for name in names if name in entries), {})
        user, _, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
        user, password = str(entry.get("username", user)), str(entry.get("password", password))
        refresh = str(entry.get("identitytoken", ""))
        return Credentials(user, password, refresh=refresh)
    except FileNotFoundError:
        return Credentials()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        # the file holds keys: the message names only the kind of the error
        logger.warning("docker's config.json in %s cannot be read (%s)", folder, type(error).__name__)
        return Credentials()


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
