"""A registry of containers on this machine, a line that can be cut, and small models to send over it."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from model_hub import bundled, remote, seal

Reply = Callable[[BaseHTTPRequestHandler], None]
ORIGIN: dict[str, Any] = {
    "base_model": "sentence-transformers/all-MiniLM-L6-v2",
    "source": "the test",
    "revision": "1",
    "licence": "Apache-2.0",
    "dimension": 384,
    "max_tokens": 256,
}


@pytest.fixture(autouse=True)
def nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own for each test, no keys of whoever runs it, and short pauses."""
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OCI_USER", "OCI_PASSWORD", "OCI_HOST", "OCI_INSECURE", "OFFLINE"):
        monkeypatch.delenv(f"LINKTRANSFORMER_{name}", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(remote, "PAUSES", (0.01, 0.02))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The bundled model under another name, sealed again."""
    folder = tmp_path / "model"
    shutil.copytree(bundled().path, folder, ignore=shutil.ignore_patterns("manifest.json"))
    seal(folder, name="lt-firms-match-en", architecture="onnx-text", languages=["en"], **ORIGIN)
    return folder


def make_small(folder: Path, weights: bytes = bytes(200_000), **other: Any) -> Path:
    """A sealed folder of the right form, with weights that nobody runs."""
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("modules.json", "1_Pooling/config.json"):
        (folder / name).write_text("{}")
    header = f'{{"a":{{"dtype":"U8","shape":[{len(weights)}],"data_offsets":[0,{len(weights)}]}}}}'.encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + weights)
    seal(folder, name="lt-small-match-en", architecture="sentence-transformers", **{**ORIGIN, **other})
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_small(tmp_path / "small", bytes(range(250)) * 800)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Registry:
    """Debian's docker-registry on a free port, with its files in a folder of the test."""

    def __init__(self, program: str, root: Path, auth: str = "") -> None:
        self.program, self.root, self.port = program, root, free_port()
        self.host = f"127.0.0.1:{self.port}"
        root.mkdir()
        self.config = root / "config.yml"
        self.config.write_text(
            "version: 0.1\nlog: {level: error}\nstorage:\n"
            f"  filesystem: {{rootdirectory: {root / 'data'}}}\n"
            f"  delete: {{enabled: true}}\nhttp:\n  addr: {self.host}\n{auth}"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "serve", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(400):
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
                return
            except urllib.error.HTTPError as error:  # it wants a password: it is there
                error.close()
                return
            except OSError:
                time.sleep(0.025)
        raise RuntimeError("the registry did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def blob(self, digest: str) -> Path:
        """The file in which the registry keeps a blob."""
        name = digest.removeprefix("sha256:")
        return self.root / "data/docker/registry/v2/blobs/sha256" / name[:2] / name / "data"


@pytest.fixture(scope="session")
def registry_program() -> str:
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not installed: apt-get install docker-registry (make test tries)")
    return program


@pytest.fixture
def registry(registry_program: str, tmp_path: Path) -> Iterator[Registry]:
    found = Registry(registry_program, tmp_path / "registry")
    yield found
    found.stop()


class Line:
    """A line to a server that is cut after so many bytes, as often as it is told."""

    def __init__(self, port: int) -> None:
        self.target, self.cuts = port, 0
        self.up = self.down = 1 << 60
        self.carried = {"up": 0, "down": 0}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads: list[threading.Thread] = []
        self.server = threading.Thread(target=self._serve, daemon=True)
        self.server.start()

    def cut(self, times: int, *, up: int = 1 << 60, down: int = 1 << 60) -> None:
        """Cut the next connections that carry more than so many bytes up or down."""
        self.cuts, self.up, self.down = times, up, down

    def _serve(self) -> None:
        with self.listener:
            while True:
                try:
                    near, _ = self.listener.accept()
                except OSError:
                    return
                self.threads.append(threading.Thread(target=self._carry, args=(near,), daemon=True))
                self.threads[-1].start()

    def _carry(self, near: socket.socket) -> None:
        """Carry one connection both ways until either end has had enough or the line is cut."""
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as far:
            done = {"up": 0, "down": 0}
            while True:
                for source in select.select([near, far], [], [], 20)[0] or [None]:
                    way, sink = ("up", far) if source is near else ("down", near)
                    block = source.recv(4096) if source else b""
                    done[way] += len(block)
                    if not block:
                        return
                    if self.cuts > 0 and done[way] > getattr(self, way):
                        self.cuts -= 1
                        return
                    sink.sendall(block)
                    self.carried[way] += len(block)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in [self.server, *self.threads]:
            thread.join(timeout=10)


@pytest.fixture
def line(registry: Registry) -> Iterator[Line]:
    found = Line(registry.port)
    yield found
    found.close()


class Server:
    """A server that answers as a test tells it, and remembers what it was asked."""

    def __init__(self, reply: Reply) -> None:
        asked: list[tuple[str, str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                asked.append((self.command, self.path, self.headers.get("Authorization") or ""))
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                reply(self)

            def log_message(self, *arguments: object) -> None:
                pass

        for method in ("GET", "POST", "PUT", "HEAD", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.answer)
        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], Server]]:
    servers: list[Server] = []

    def start(reply: Reply) -> Server:
        servers.append(Server(reply))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def say(handler: BaseHTTPRequestHandler, status: int, content: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server of this machine that speaks as the Hugging Face Hub does."""
    from tests.model_hub.hub_server import TOKEN, Hub  # which needs this file

    constants = pytest.importorskip("huggingface_hub.constants")

    found = Hub()
    monkeypatch.setenv("HF_ENDPOINT", found.url)
    # as when the variable is set from the start; some versions look at these and not at the argument
    template = found.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", found.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 50_000)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # huggingface_hub waits seconds at a time
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    yield found
    found.close()
