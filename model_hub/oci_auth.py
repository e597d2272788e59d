"""How a registry lets us in: nobody in particular, a name and password, or a token that it hands out.

Keys come from the caller, the environment or docker's config file. They stay in memory, and only ever go to
the registry that they are for, or to the token service that this registry names.
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
    """What proves who we are; nothing of it shows when it is printed."""

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
    """What a registry asks for when it answers 401."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def credentials(host: str, token: str | None = None) -> Credentials:
    """Find what to show a registry.

    Args:
        host: The registry, with its port.
        token: "user:password" or a token, from the caller; None looks into the environment
            (LINKTRANSFORMER_OCI_USER and LINKTRANSFORMER_OCI_PASSWORD, for the one registry
            LINKTRANSFORMER_OCI_HOST where that is set), then into docker's config.json.

    Returns:
        The credentials; empty ones are tried as anybody.

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
        known = json.loads((folder / "config.json").read_bytes()).get("auths", {})
        names = [host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"]
        if host in _DOCKER_HUB:
            names.append("https://index.docker.io/v1/")
        entry: dict[str, object] = next((known[name] for name in names if name in known), {})
        user, _, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
        user, password = str(entry.get("username", user)), str(entry.get("password", password))
        refresh = str(entry.get("identitytoken", ""))
        return Credentials(user, password, refresh=refresh)
    except FileNotFoundError:
        return Credentials()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        # the file holds keys: only the kind of the fault is told
        logger.warning("docker's config.json in %s cannot be read (%s)", folder, type(error).__name__)
        return Credentials()


def challenge(header: str) -> Challenge:
    """Read what a registry asks for.

    Args:
        header: The header WWW-Authenticate.

    Returns:
        The scheme in lower case, and where to get a token.

    Example:
        >>> challenge('Bearer realm="https://a.example/token",service="r",scope="repository:x:pull"').scope
        'repository:x:pull'
    """
    scheme, _, rest = header.strip().partition(" ")
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return Challenge(scheme.lower(), found.get("realm", ""), found.get("service", ""), found.get("scope", ""))
