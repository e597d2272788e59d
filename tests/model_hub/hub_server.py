"""A server on this machine that answers huggingface_hub as the hub does, as far as models need it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.model_hub.conftest import Server, say

TOKEN = "hf_key-of-the-test"


@dataclass
class Repository:
    """Commits, each a whole tree, and the names for them."""

    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = ""
    tags: dict[str, str] = field(default_factory=dict)


class Hub:
    """The server; `cuts` says how many downloads break after `cut_after` bytes."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.cuts, self.cut_after, self.sent = 0, 0, 0
        self.ranges: list[str] = []
        self.broken_upload = False
        self.server = Server(self.reply)
        self.url = f"http://{self.server.host}"

    def close(self) -> None:
        self.server.close()

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        url = urllib.parse.urlsplit(handler.path)
        path = urllib.parse.unquote(url.path)
        body: bytes = handler.body  # type: ignore[attr-defined] # set by the server of the tests
        known = handler.headers.get("Authorization") == f"Bearer {TOKEN}"
        if (
            handler.command in ("POST", "PUT")
            and not known
            and not path.startswith(("/lfs/", "/api/validate"))
        ):
            return say(handler, 401, b'{"error":"Invalid username or password."}')
        if path == "/api/whoami-v2":
            return self.json(handler, {"name": "ann", "type": "user", "orgs": []})
        if path == "/api/validate-yaml":
            return self.json(handler, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self.create(handler, json.loads(body))
        if path.startswith("/lfs/"):
            if self.broken_upload:
                return handler.connection.close()
            self.large[path.removeprefix("/lfs/")] = body
            return say(handler, 200)
        if found := re.fullmatch(r"/(.+/.+)\.git/info/lfs/objects/batch", path):
            return self.batch(handler, json.loads(body))
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(\w+)(?:/(.*))?)?", path):
            return self.api(handler, found[1], found[2] or "revision", found[3] or "main", body, known)
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.*)", path):
            return self.resolve(handler, found[1], found[2], found[3], known)
        return say(handler, 404)

    def json(self, handler: BaseHTTPRequestHandler, values: Any, status: int = 200) -> None:
        say(handler, status, json.dumps(values).encode(), Content_Type="application/json")

    def create(self, handler: BaseHTTPRequestHandler, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        status = 409 if name in self.repositories else 200
        private = wanted.get("private") or wanted.get("visibility") == "private"
        self.repositories.setdefault(name, Repository(bool(private)))
        self.json(handler, {"url": f"{self.url}/{name}", "id": name}, status)

    def batch(self, handler: BaseHTTPRequestHandler, wanted: dict[str, Any]) -> None:
        objects = [
            {**one, "actions": {"upload": {"href": f"{self.url}/lfs/{one['oid']}"}}}
            if one["oid"] not in self.large
            else one
            for one in wanted["objects"]
        ]
        self.json(handler, {"transfer": "basic", "objects": objects})

    def api(
        self, handler: BaseHTTPRequestHandler, name: str, verb: str, rest: str, body: bytes, known: bool
    ) -> None:
        repository = self.repositories.get(name)
        if repository is None or (repository.private and not known):
            return self.missing(handler, "RepoNotFound", 401)
        if verb == "preupload":
            files = [
                {"path": one["path"], "uploadMode": "lfs" if one["size"] > 100_000 else "regular"}
                for one in json.loads(body)["files"]
            ]
            return self.json(handler, {"files": [{**one, "shouldIgnore": False} for one in files]})
        if verb == "commit":
            return self.commit(handler, repository, name, [json.loads(row) for row in body.splitlines()])
        if verb == "tag":
            repository.tags[json.loads(body)["tag"]] = self.revision(repository, rest)
            return say(handler, 200)
        if verb == "refs":
            refs = {"branches": {"main": repository.main}, "tags": repository.tags, "converts": {}}
            return self.json(
                handler,
                {
                    kind: [
                        {"name": key, "ref": f"refs/{key}", "targetCommit": sha} for key, sha in named.items()
                    ]
                    for kind, named in refs.items()
                },
            )
        sha = self.revision(repository, rest.split("/")[0])
        if sha not in repository.commits:
            return self.missing(handler, "RevisionNotFound", 404)
        tree = repository.commits[sha]
        if verb == "tree":
            return self.json(
                handler,
                [
                    {"type": "file", "path": key, "size": len(value), "oid": hashlib.sha1(value).hexdigest()}
                    for key, value in tree.items()
                ],
            )
        siblings = [{"rfilename": key} for key in tree]
        return self.json(
            handler, {"id": name, "sha": sha, "private": False, "siblings": siblings, "tags": []}
        )

    def commit(
        self, handler: BaseHTTPRequestHandler, repository: Repository, name: str, rows: list[Any]
    ) -> None:
        tree = dict(repository.commits.get(repository.main, {}))
        for row in rows:
            value = row["value"]
            if row["key"] == "file":
                tree[value["path"]] = base64.b64decode(value["content"])
            if row["key"] == "lfsFile":
                tree[value["path"]] = self.large[value["oid"]]
        sha = hashlib.sha1(repr((repository.main, sorted(tree.items()))).encode()).hexdigest()
        repository.commits[sha], repository.main = tree, sha
        self.json(
            handler, {"commitUrl": f"{self.url}/{name}/commit/{sha}", "commitOid": sha, "success": True}
        )

    def resolve(
        self, handler: BaseHTTPRequestHandler, name: str, revision: str, path: str, known: bool
    ) -> None:
        repository = self.repositories.get(name)
        if repository is None or (repository.private and not known):
            return self.missing(handler, "RepoNotFound", 401)
        sha = self.revision(repository, revision)
        if path not in repository.commits.get(sha, {}):
            return self.missing(handler, "EntryNotFound", 404)
        content = repository.commits[sha][path]
        wanted = re.match(r"bytes=(\d+)-", handler.headers.get("Range") or "")
        start = int(wanted[1]) if wanted else 0
        handler.send_response(206 if wanted else 200)
        handler.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        handler.send_header("X-Repo-Commit", sha)
        handler.send_header("Content-Length", str(len(content) - start))
        if wanted:
            self.ranges.append(f"{path}:{start}")
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        if handler.command == "HEAD":
            return None
        content = content[start:]
        if self.cuts > 0 and len(content) > self.cut_after:
            self.cuts -= 1
            handler.wfile.write(content[: self.cut_after])
            handler.close_connection = True
            return None
        self.sent += len(content)
        handler.wfile.write(content)
        return None

    def missing(self, handler: BaseHTTPRequestHandler, code: str, status: int) -> None:
        say(handler, status, b"{}", X_Error_Code=code, X_Error_Message="there is none")

    def revision(self, repository: Repository, name: str) -> str:
        return repository.main if name == "main" else repository.tags.get(name, name)
