"""Who is let in, what is shown to whom, and that keys stay where they belong."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from model_hub import AccessError, ModelHubError, TransferError, load, publish, remote
from model_hub import list as list_tags
from model_hub.oci import blobs as oci_blobs
from model_hub.oci.auth import Credentials, challenge, credentials
from model_hub.oci.registry import Registry
from tests.model_hub import conftest
from tests.model_hub.conftest import Reply, Server, say

USER, SECRET = "ann", "s3cret-word"
BASIC = "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
# made with bcrypt for this test; the password stands above
HTPASSWD = "ann:$2b$05$abcdefghijklmnopqrstuuEpHRRKIlpAGo.iP7Bpa.htQEJMAAnRe\n"


@pytest.fixture
def guarded(registry_program: str, tmp_path: Path) -> Iterator[conftest.Registry]:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = f"auth:\n  htpasswd: {{realm: test, path: {tmp_path / 'htpasswd'}}}\n"
    found = conftest.Registry(registry_program, tmp_path / "registry", auth)
    yield found
    found.stop()


def from_environment(folder: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_OCI_USER", USER)
    monkeypatch.setenv("LINKTRANSFORMER_OCI_PASSWORD", SECRET)


def from_docker(folder: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": BASIC.removeprefix("Basic ")}}}))


@pytest.mark.parametrize("known", [from_environment, from_docker])
def test_a_name_and_password(
    guarded: conftest.Registry,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    known: Callable[[Path, str, pytest.MonkeyPatch], None],
) -> None:
    caplog.set_level(logging.DEBUG)
    ref = f"oci://{guarded.host}/small:v1"
    with pytest.raises(AccessError, match=r"does not let us in.*401.*LINKTRANSFORMER_OCI_USER"):
        publish(small, ref)
    known(tmp_path, guarded.host, monkeypatch)
    publish(small, ref)
    assert load(ref).manifest.name == "lt-small-match-en"
    told = caplog.text + "".join(
        path.read_text("utf-8", "replace") for path in (tmp_path / "cache").rglob("*") if path.is_file()
    )
    assert SECRET not in told
    assert BASIC.removeprefix("Basic ") not in told


def test_a_wrong_password_is_not_told(
    guarded: conftest.Registry, small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(AccessError) as caught:
        publish(small, f"oci://{guarded.host}/small:v1", token="ann:wrong-word")
    shown = str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__) + caplog.text
    assert "does not let us in" in shown
    assert "wrong-word" not in shown
    assert base64.b64encode(b"ann:wrong-word").decode() not in shown


def test_a_token_that_the_registry_hands_out(
    registry_program: str, small: Path, tmp_path: Path, serve: Callable[[Reply], Server]
) -> None:
    given: list[dict[str, list[str]]] = []

    def hand_out(handler: BaseHTTPRequestHandler) -> None:
        given.append(urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query))
        good = handler.headers.get("Authorization") == BASIC
        say(handler, 200 if good else 401, b'{"token":"tok-123"}' if good else b"")

    server = serve(hand_out)
    auth = f"auth:\n  silly: {{realm: 'http://{server.host}/token', service: the-registry}}\n"
    registry = conftest.Registry(registry_program, tmp_path / "registry", auth)
    try:
        ref = f"oci://{registry.host}/team/small:v1"
        with pytest.raises(AccessError):
            publish(small, ref)
        publish(small, ref, token=f"{USER}:{SECRET}")
        assert load(ref, token=f"{USER}:{SECRET}").manifest.name == "lt-small-match-en"
    finally:
        registry.stop()
    assert given[-1]["service"] == ["the-registry"]
    assert given[-1]["scope"] == ["repository:team/small:pull"]


def test_a_token_that_is_not_enough_is_changed_for_another(serve: Callable[[Reply], Server]) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/token"):
            scope = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)["scope"][0]
            return say(handler, 200, json.dumps({"token": scope}).encode())
        scope = "pull" if handler.command == "GET" else "push"
        if handler.headers.get("Authorization") == f"Bearer {scope}":
            return say(handler, 200)
        return say(
            handler, 401, WWW_Authenticate=f'Bearer realm="http://{server.host}/token",scope="{scope}"'
        )

    server = serve(reply)
    registry = Registry(server.host, Credentials())
    assert registry.ask("GET", "/v2/").status == 200
    assert registry.ask("POST", "/v2/", body=b"x").status == 200
    assert "push" not in repr(registry)


def test_a_refresh_token_is_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[[Reply], Server]
) -> None:
    bodies: list[bytes] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/token":
            bodies.append(handler.body)  # type: ignore[attr-defined] # set by our own handler
            return say(handler, 200, b'{"access_token":"tok-456"}')
        if handler.headers.get("Authorization") == "Bearer tok-456":
            return say(handler, 200, b'{"tags":["v2","v1"]}')
        asked = f'Bearer realm="http://{server.host}/token",service="s",scope="repository:x:pull"'
        return say(handler, 401, WWW_Authenticate=asked)

    server = serve(reply)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    entry = {"identitytoken": "refresh-789", "auth": ""}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: entry}}))
    assert list_tags(f"oci://{server.host}/x") == ("v1", "v2")
    assert urllib.parse.parse_qs(bodies[0].decode())["refresh_token"] == ["refresh-789"]


def test_tags_on_several_pages(serve: Callable[[Reply], Server]) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        if "last" in handler.path:
            return say(handler, 200, b'{"tags":["b"]}')
        return say(handler, 200, b'{"tags":["a"]}', Link='</v2/x/tags/list?last=a>; rel="next"')

    assert list_tags(f"oci://{serve(reply).host}/x") == ("a", "b")


def test_an_upload_goes_on_after_what_the_registry_kept(
    serve: Callable[[Reply], Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oci_blobs, "CHUNK", 100)
    content = bytes(range(250))
    (tmp_path / "file").write_bytes(content)
    kept, spans = bytearray(), []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        body: bytes = handler.body  # type: ignore[attr-defined] # set by our own handler
        span = f"0-{len(kept) - 1}"
        if handler.command == "HEAD":
            return say(handler, 404)
        if handler.command == "POST":
            kept.clear()
            return say(handler, 202, Location="/up/1?state=a")
        if handler.command == "GET":
            return say(handler, 204, Location=f"/up/1?state={len(kept)}", Range=span)
        if handler.command == "PUT":
            return say(handler, 201 if kept == content else 400)
        spans.append(handler.headers["Content-Range"])
        if int(spans[-1].split("-")[0]) != len(kept):
            return say(handler, 416)
        if len(spans) == 2:  # the line breaks in the second piece, of which a part has come
            kept.extend(body[:30])
            handler.close_connection = True
            return None
        kept.extend(body)
        return say(handler, 202, Location=f"/up/1?state={len(kept)}")

    server = serve(reply)
    layer = oci_blobs.Layer("file", "sha256:" + hashlib.sha256(content).hexdigest(), len(content))
    oci_blobs.upload(Registry(server.host, Credentials()), "x", layer, tmp_path / "file", None)
    assert kept == content
    assert spans == ["0-99", "100-199", "130-229", "230-249"]


def test_a_registry_that_takes_no_pieces(
    serve: Callable[[Reply], Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oci_blobs, "CHUNK", 100)
    (tmp_path / "file").write_bytes(bytes(250))
    codes = {"HEAD": 404, "POST": 202, "PATCH": 405, "PUT": 201}
    server = serve(lambda handler: say(handler, codes[handler.command], Location="/up/1"))
    layer = oci_blobs.Layer("file", "sha256:" + hashlib.sha256(bytes(250)).hexdigest(), 250)
    oci_blobs.upload(Registry(server.host, Credentials()), "x", layer, tmp_path / "file", None)
    assert [method for method, _, _ in server.asked] == ["HEAD", "POST", "PATCH", "POST", "PUT"]


def test_a_server_that_knows_no_parts_and_keeps_breaking_is_given_up(
    serve: Callable[[Reply], Server], tmp_path: Path
) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(bytes(100 + len(server.asked) % 2))

    server = serve(reply)
    layer = oci_blobs.Layer("file", "sha256:" + "0" * 64, 1000)
    with pytest.raises(TransferError, match="of 1000 bytes did not come"):
        oci_blobs.download(Registry(server.host, Credentials()), "x", layer, tmp_path / "part", None)
    assert len(server.asked) < 10


def test_the_key_does_not_follow_a_redirect(serve: Callable[[Reply], Server]) -> None:
    store = serve(lambda handler: say(handler, 200, b"bytes"))
    front = serve(lambda handler: say(handler, 307, Location=f"http://{store.host}/elsewhere"))
    found = Registry(front.host, Credentials(bearer="tok")).ask("GET", "/v2/x/blobs/y")
    assert found.content == b"bytes"
    assert front.asked[0][2] == "Bearer tok"
    assert store.asked == [("GET", "/elsewhere", "")]
    with pytest.raises(ModelHubError, match="refused"):
        Registry(front.host, Credentials()).ask("PUT", "/v2/x", body=b"x")


def test_busy_servers_are_asked_again_and_others_are_not(serve: Callable[[Reply], Server]) -> None:
    server = serve(lambda handler: say(handler, 503 if len(server.asked) < 3 else 200, b"at last"))
    assert Registry(server.host, Credentials()).ask("GET", "/v2/").content == b"at last"
    assert len(server.asked) == 3
    always = serve(lambda handler: say(handler, 502))
    with pytest.raises(TransferError, match=r"busy or in trouble.*502"):
        Registry(always.host, Credentials()).ask("GET", "/v2/?secret=x")
    assert len(always.asked) == len(remote.PAUSES) + 1
    broken = b'{"errors":[{"code":"NAME_INVALID","message":"no such letters"}]}'
    wrong = serve(lambda handler: say(handler, 400, broken))
    with pytest.raises(ModelHubError, match="NAME_INVALID: no such letters") as caught:
        Registry(wrong.host, Credentials()).ask("GET", "/v2/?secret=x")
    assert len(wrong.asked) == 1
    assert "secret" not in str(caught.value)


def test_without_encryption_only_to_this_machine_or_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def root(host: str, insecure: bool = False) -> str:
        return Registry(host, Credentials(), insecure).root

    assert root("localhost:5000") == "http://localhost:5000"
    assert root("127.0.0.1:1") == "http://127.0.0.1:1"
    assert root("127.example.org") == "https://127.example.org"
    assert root("localhost.example.org") == "https://localhost.example.org"
    assert root("registry.example.org") == "https://registry.example.org"
    assert root("registry.example.org", True) == "http://registry.example.org"
    monkeypatch.setenv("LINKTRANSFORMER_OCI_INSECURE", "a.example:5000, registry.example.org")
    assert root("registry.example.org") == "http://registry.example.org"
    assert root("other.example.org") == "https://other.example.org"
    far = Registry("other.example.org", Credentials())
    assert far._url("http://other.example.org/v2/up?x=1") == "https://other.example.org/v2/up?x=1"
    with pytest.raises(AccessError, match="without encryption"):
        far._url("http://elsewhere.example.org/v2/up")
    with pytest.raises(AccessError, match="without encryption"):
        far._token(challenge('Bearer realm="http://other.example.org/token"'))


def test_credentials_are_for_one_registry_and_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from_docker(tmp_path, "a.example", monkeypatch)
    assert credentials("a.example").basic == BASIC
    assert credentials("b.example") == Credentials()
    assert SECRET not in repr(credentials("a.example"))
    assert SECRET not in repr(Registry("a.example", credentials("a.example")))
    from_environment(tmp_path, "a.example", monkeypatch)
    monkeypatch.setenv("LINKTRANSFORMER_OCI_HOST", "c.example")
    assert credentials("b.example") == Credentials()
    assert credentials("c.example").basic == BASIC
    (tmp_path / "config.json").write_text('{"auths": {"b.example": {"auth": "' + SECRET + "$$$")
    assert credentials("b.example") == Credentials()
    assert "cannot be read" in caplog.text
    assert SECRET not in caplog.text
    assert credentials("b.example", "abc") == Credentials(bearer="abc")


ENTRY = {"auth": BASIC.removeprefix("Basic ")}


@pytest.mark.parametrize(
    "name", ["a.example", "a.example/", "https://a.example", "https://a.example/", "https://a.example/v1/"]
)
def test_names_of_entries(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"auths": {name: ENTRY}}))
    assert credentials("a.example", None, "team/model").basic == BASIC
    assert credentials("a.example.org").basic == ""


def test_the_longest_namespace_has_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    auths = {
        "a.example": {"username": "host", "password": "x"},
        "a.example/team": {"username": "team", "password": "x"},
        "a.example/team/model": {"username": "model", "password": "x"},
    }
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    for path, user in (
        ("team/model", "model"),
        ("team/other", "team"),
        ("teams/model", "host"),
        ("", "host"),
    ):
        assert credentials("a.example", None, path).user == user


def test_files_of_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(file: Path, user: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"auths": {"a.example": {"username": user, "password": "x"}}}))

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    places = ("config/containers/auth.json", "run/containers/auth.json", "docker/config.json")
    for number, place in enumerate(places):  # each goes before those already there
        write(tmp_path / place, str(number))
        assert credentials("a.example").user == str(number)
    write(tmp_path / "named.json", "named")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "named.json"))
    assert credentials("a.example").user == "named"


@pytest.mark.parametrize("config", [{"credsStore": "desktop"}, {"credHelpers": {"HOST": "desktop"}}])
def test_a_helper_is_named_and_not_run(
    config: dict[str, object],
    serve: Callable[[Reply], Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(lambda handler: say(handler, 401, WWW_Authenticate='Basic realm="test"'))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    program = tmp_path / "docker-credential-desktop"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'was-run'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    text = json.dumps({"auths": {server.host: {}}, **config}).replace("HOST", server.host)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(AccessError, match=r"docker-credential-desktop, which is not run.*LINKTRANS"):
        load(f"oci://{server.host}/team/model:v1")
    assert not (tmp_path / "was-run").exists()
