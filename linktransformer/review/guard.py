"""The check of every request, before the application sees it."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linktransformer.review.access import HEADERS, Access

__all__ = ["Guard"]

ENTER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Review</title>
<meta http-equiv="refresh" content="0;url=/"><p><a href="/">Begin the review</a></p></html>"""


class Guard:
    """Refuse requests that do not come from the reviewer's own browser; security headers on all answers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 403."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        problem = self.access.refusal(scope["method"], headers)
        app: ASGIApp = self.app
        if problem is not None:
            app = PlainTextResponse(problem, 403)
        elif scope["path"] == "/enter":
            app = self._enter(Request(scope))
        elif not self.access.knows_session(headers):
            app = PlainTextResponse("Open the address that the review printed when it began.", 403)
        await app(scope, receive, guarded)

    def _enter(self, request: Request) -> Response:
        """The cookie for the token. A page leads on, since a redirect from another site would lose it."""
        if request.method != "GET" or not self.access.knows_token(request.query_params.get("token", "")):
            return PlainTextResponse("This is not the address that the review printed when it began.", 403)
        return HTMLResponse(ENTER, headers={"set-cookie": self.access.set_cookie()})
