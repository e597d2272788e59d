"""The review as a browser sees it: labelling, undo, who is refused, and what is sent."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from linktransformer.review.answers import Answers
from tests.review_server import Browser, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("review")) as running:
        running.folder = running.process.args[-2]
        yield running


def answers_of(server: Server) -> Answers:
    return Answers(server.folder)


def test_forty_pairs_are_labelled_by_one_reviewer(server: Server) -> None:
    browser, asked = server.browser("bea"), []
    for number in range(40):
        pair = browser.pair()
        assert pair is not None
        page = browser.ask(f"/pair/{pair}").text
        assert "Are these two rows one?" in page and "Contribution, bits" in page
        asked.append(pair)
        assert browser.answer(pair, ("yes", "no", "no", "unsure")[number % 4]).status == 303
    assert len(set(asked)) == 40
    own = [line for line in answers_of(server).standing() if line[3] == "bea"]
    assert [line[2] for line in own].count("unsure") == 10 and len(own) == 40


def test_undo_brings_the_pair_again(server: Server) -> None:
    browser = server.browser("cy")
    first = browser.pair()
    browser.answer(first, "yes")
    second = browser.pair()
    browser.answer(second, "no")
    assert browser.ask("/undo", {}).headers["location"] == f"/pair/{second}?did=undone"
    assert "taken back" in browser.ask(f"/pair/{second}?did=undone").text
    own = [line for line in answers_of(server).standing() if line[3] == "cy"]
    assert [line[2] for line in own] == ["yes"]
    assert browser.pair() == second


def test_skipped_pairs_come_last_and_back_shows_the_one_before(server: Server) -> None:
    browser = server.browser("dee")
    first = browser.pair()
    browser.ask(f"/pair/{first}")
    browser.ask("/skip", {"pair": first})
    second = browser.pair()
    assert second != first
    assert browser.ask("/previous").headers["location"] == f"/pair/{first}"


def test_two_reviewers_are_not_asked_the_same_at_a_time(server: Server) -> None:
    one, other = server.browser("eve"), server.browser("fay")
    a, b = one.pair(), other.pair()
    assert a != b
    one.answer(a, "yes")
    other.answer(a, "no")  # both may answer it from the table
    assert answers_of(server).labels().disputed == 1


def test_a_request_without_the_cookie_or_with_another_token_is_refused(server: Server) -> None:
    stranger = Browser(server.base)
    for path in (
        "/",
        "/pair/0",
        "/table",
        "/static/keys.js",
        "/picture/0/0/0",
        "/enter?token=x",
        "/enter",
        "/x",
    ):
        assert stranger.ask(path).status == 403
    stranger.cookies[f"review_{server.port}"] = "guess"
    assert stranger.ask("/").status == 403
    assert stranger.ask("/answer", {"pair": 0, "answer": "yes"}).status == 403
    assert stranger.ask(server.url.removeprefix(server.base), {"a": 1}).status == 403


def test_the_cookie_is_for_this_site_only(server: Server) -> None:
    reply = Browser(server.base).ask(server.url.removeprefix(server.base))
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    token = server.url.partition("token=")[2]
    assert token not in cookie and token not in reply.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_is_refused(server: Server, host: str) -> None:
    browser = server.browser()
    assert browser.ask("/table", host=host.format(port=server.port)).status in (400, 403)
    assert browser.ask("/table", host=f"localhost:{server.port}").status == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_a_form_of_another_site_is_refused(server: Server, origin: str) -> None:
    browser = server.browser("gil")
    before = answers_of(server).count()
    form = {"pair": 0, "answer": "yes"}
    assert browser.ask("/answer", form, origin=origin.format(port=server.port)).status == 403
    assert answers_of(server).count() == before


def test_a_form_without_an_origin_is_refused(server: Server) -> None:
    browser = server.browser()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    connection.request("POST", "/answer", "pair=0&answer=yes", {"cookie": cookies})
    assert connection.getresponse().status == 403
    connection.close()


def test_cells_are_escaped_and_nothing_else_is_loaded(server: Server) -> None:
    browser = server.browser()
    page = browser.ask("/pair/0")
    assert "Jo &lt;b&gt;Ann&lt;/b&gt;" in page.text and "<b>Ann" not in page.text
    assert "http://" not in page.text and "https://" not in page.text and "style=" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    name = browser.ask("/reviewer", {"name": '"><script>x</script>'})
    assert name.status == 303 and "<script>x" not in browser.ask("/pair/0").text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../answers.py",
        "/static/..%2fanswers.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/picture/0/0/..%2f..%2fetc%2fpasswd",
        "/picture/0/999999/0",
        "/picture/7/0/0",
        "/pair/99999999",
        "/pair/-1",
        "/cluster/0",
    ],
)
def test_no_path_leads_out(server: Server, path: str) -> None:
    assert server.browser().ask(path).status == 404


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/answer", {"pair": "9" * 30, "answer": "yes"}, 400),
        ("/answer", {"pair": 0, "answer": "perhaps"}, 400),
        ("/answer", {}, 400),
        ("/skip", {"pair": -1}, 404),
        ("/answer", {"pair": 0, "answer": "y" * 70_000}, 413),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    server: Server, path: str, form: dict, status: int
) -> None:
    before = answers_of(server).count()
    assert server.browser().ask(path, form).status == status
    assert answers_of(server).count() == before


def test_the_table_filters_by_probability_and_takes_answers(server: Server) -> None:
    browser = server.browser("hal")
    page = browser.ask("/table?low=0&high=1&state=all&page=0").text
    assert page.count("<tr id=") == 50 and "Next 50" in page
    shown = [float(part.split("<")[0]) for part in page.split('">') if part[:2] in ("0.", "1.")]
    assert shown == sorted(shown, reverse=True)
    narrow = browser.ask("/table?low=0.3&high=0.4&state=all").text
    bands = [float(part.split("<")[0]) for part in narrow.split('">') if part[:2] in ("0.", "1.")]
    assert all(0.3 <= value <= 0.4 for value in bands)
    pair = int(page.split('<tr id="p')[1].split('"')[0])
    assert browser.ask("/answer", {"pair": pair, "answer": "no", "from": "table"}).status == 204
    assert "no</button>" in browser.ask("/table?state=answered").text
    assert browser.ask("/table?low=x&high=nan&state=?&page=-3").status == 200
