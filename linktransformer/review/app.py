"""The application: addresses, forms, and the check of every request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import parse_qs, quote, unquote

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from linktransformer.arrays import Integers
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.review import cluster_answers, pages, pictures
from linktransformer.review.access import Access
from linktransformer.review.answers import ANSWERS
from linktransformer.review.desk import Desk
from linktransformer.review.guard import Guard
from linktransformer.review.pages import Filter, Shown

__all__ = ["application"]

LARGEST = 65_536  # bytes of a form
LONGEST_NAME = 60  # characters of a reviewer's name
STATIC = {"style.css": "text/css; charset=utf-8", "keys.js": "text/javascript; charset=utf-8"}


class _Pages:
    """The handlers of one review."""

    def __init__(
        self,
        desk: Desk,
        columns: tuple[tuple[str, str], ...],
        reviewer: str,
        access: Access,
        end: Callable[[], None],
    ) -> None:
        self.desk, self.columns, self.reviewer, self.end = desk, columns, reviewer, end
        self.cookie = f"reviewer_{access.port}"
        self.clusters = desk.pairs.clusters
        self.listed = None if self.clusters is None else cluster_answers.cluster_list(self.clusters)

    def routes(self) -> Iterable[Route]:
        """The addresses."""
        for path, get in (
            ("/", self.next),
            ("/pair/{pair:int}", self.pair),
            ("/previous", self.previous),
            ("/table", self.table),
            ("/clusters", self.cluster_list),
            ("/cluster/{number:int}", self.cluster),
            ("/picture/{side:int}/{row:int}/{place:int}", self.picture),
            ("/static/{name}", self.static),
        ):
            yield Route(path, get, methods=["GET"])
        for path, post in (
            ("/answer", self.answer),
            ("/undo", self.undo),
            ("/skip", self.skip),
            ("/cluster-answer", self.cluster_answer),
            ("/reviewer", self.rename),
            ("/end", self.finish),
        ):
            yield Route(path, _of_form(post), methods=["POST"])

    def shown(self, request: Request) -> Shown:
        return Shown(self.desk, self.columns, self.who(request))

    def who(self, request: Request) -> str:
        return unquote(request.cookies.get(self.cookie, ""))[:LONGEST_NAME] or self.reviewer

    def next(self, request: Request) -> Response:
        pair = self.desk.next(self.who(request))
        if pair is None:
            return HTMLResponse(pages.render("done.html", self.shown(request)))
        return _to(f"/pair/{pair}")

    def pair(self, request: Request) -> Response:
        pair = int(request.path_params["pair"])
        if pair >= len(self.desk.pairs):
            return _missing()
        self.desk.show(self.who(request), pair)
        return HTMLResponse(pages.pair_page(self.shown(request), pair, request.query_params.get("did", "")))

    def previous(self, request: Request) -> Response:
        pair = self.desk.previous(self.who(request))
        return _to("/" if pair is None else f"/pair/{pair}")

    def table(self, request: Request) -> Response:
        return HTMLResponse(pages.table_page(self.shown(request), Filter.of(dict(request.query_params))))

    def cluster_list(self, request: Request) -> Response:
        if self.clusters is None or self.listed is None:
            return _missing()
        page = Filter.of(dict(request.query_params)).page
        return HTMLResponse(pages.clusters_page(self.shown(request), self.clusters, self.listed, page))

    def cluster(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        if self.clusters is None or number >= len(self.clusters):
            return _missing()
        message = request.query_params.get("did", "")
        return HTMLResponse(pages.cluster_page(self.shown(request), self.clusters, number, message))

    def picture(self, request: Request) -> Response:
        side, row, place = (int(request.path_params[name]) for name in ("side", "row", "place"))
        content = pictures.png(self.desk.pairs, self.columns, side, row, place)
        return _missing() if content is None else Response(content, media_type="image/png")

    def static(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in STATIC:
            return _missing()
        return Response((pages.FOLDER / "static" / name).read_bytes(), media_type=STATIC[name])

    def answer(self, request: Request, form: Form) -> Response:
        pair, answer = _whole(form, "pair"), _one(form, "answer")
        if not 0 <= pair < len(self.desk.pairs) or answer not in ANSWERS:
            return PlainTextResponse("There is no such pair or answer.", 400)
        why = "table" if _one(form, "from") == "table" else "question"
        self.desk.answer(self.who(request), pair, answer, why)
        return Response(status_code=204) if why == "table" else _to("/")

    def undo(self, request: Request, form: Form) -> Response:
        pair, number = self.desk.undo(self.who(request)), _whole(form, "number")
        if number >= 0:
            return _to(f"/cluster/{number}?did=undone")
        return _to("/" if pair is None else f"/pair/{pair}?did=undone")

    def skip(self, request: Request, form: Form) -> Response:
        pair = _whole(form, "pair")
        if not 0 <= pair < len(self.desk.pairs):
            return _missing()
        self.desk.skip(self.who(request), pair)
        return _to("/")

    def cluster_answer(self, request: Request, form: Form) -> Response:
        number, action = _whole(form, "number"), _one(form, "action")
        if self.clusters is None or not 0 <= number < len(self.clusters):
            return _missing()
        rows, marked = _members(self.clusters, number), _rows(form, "marked")
        rows, marked = rows[: pages.MEMBERS], np.intersect1d(marked, rows)
        near = int(self.clusters.next_cluster[number])
        other = _members(self.clusters, near)[: pages.MEMBERS]
        if action == "confirm" and len(rows) > 1:
            pairs, answer = cluster_answers.inside(self.desk.pairs, rows), "yes"
        elif action == "split" and 0 < len(marked) < len(rows):
            rest = np.setdiff1d(rows, marked)
            pairs, answer = cluster_answers.between(self.desk.pairs, marked, rest), "no"
        elif action in ("merge", "apart") and near >= 0:
            pairs = cluster_answers.between(self.desk.pairs, rows, other)
            answer = "yes" if action == "merge" else "no"
        else:
            return _to(f"/cluster/{number}?did=nothing")
        self.desk.answer_rows(self.who(request), pairs, answer, f"cluster: {action}")
        return _to(f"/cluster/{number}?did={action}")

    def rename(self, request: Request, form: Form) -> Response:
        name = " ".join(_one(form, "name").split())[:LONGEST_NAME]
        response = _to("/")
        response.set_cookie(self.cookie, quote(name), httponly=True, samesite="strict")
        return response

    def finish(self, request: Request, form: Form) -> Response:
        self.end()
        return HTMLResponse(pages.render("ended.html", self.shown(request)))


Form = dict[str, list[str]]


def application(
    desk: Desk, columns: tuple[tuple[str, str], ...], reviewer: str, access: Access, end: Callable[[], None]
) -> ASGIApp:
    """The application of one review; `end` is called when a reviewer ends it."""
    return Guard(Starlette(routes=list(_Pages(desk, columns, reviewer, access, end).routes())), access)


def _of_form(handler: Callable[[Request, Form], Response]) -> Callable[[Request], object]:
    """A handler that gets the fields of a form."""

    async def handle(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                return PlainTextResponse("The form is too large.", 413)
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10_000)
        return await run_in_threadpool(handler, request, form)

    return handle


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def _whole(form: Form, name: str) -> int:
    """A whole number of a form, -1 where there is none."""
    text = _one(form, name)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1


def _rows(form: Form, name: str) -> Integers:
    texts = [text for text in form.get(name, []) if text.isascii() and text.isdecimal() and len(text) < 16]
    return np.array(texts, dtype=np.int64)


def _members(clusters: ClusterValues, number: int) -> Integers:
    return np.flatnonzero(clusters.label == number)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)


def _missing() -> Response:
    return PlainTextResponse("There is no such page.", 404)
