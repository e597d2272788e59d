"""review: the local web application for links and clusters, and the file of answers."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import tempfile
import threading
import webbrowser
from pathlib import Path

from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.review.access import Access
from linktransformer.review.answers import Answers
from linktransformer.review.desk import Desk
from linktransformer.review.pairs import Pairs, pairs_of
from linktransformer.review.pictures import columns_of

__all__ = ["check_installed", "review"]

HOST = "127.0.0.1"  # never another one: the pages are for the people at this machine
NEEDS = ("starlette", "uvicorn", "jinja2")


def review(
    result: object,
    answers: str | os.PathLike[str] = "answers.sqlite",
    *,
    reviewer: str | None = None,
    pictures: object = None,
    port: int = 0,
    seed: int = 0,
    browser: bool = True,
) -> Answers:
    """Ask people whether two rows are one, on web pages of this machine, until they end it.

    The address is written to standard error and opened in a browser. The pages are at 127.0.0.1 only, and
    only for who has the address. Each answer is on disk before the next question is shown. Several reviews,
    of one or of several processes, may write to one file. The review ends by its button or by Ctrl-C.

    Args:
        result: The links of `link` or the clusters of `cluster`.
        answers: The .sqlite file of the answers; one that is there is continued.
        reviewer: The name that is written with each answer, which can be changed on the pages; None for the
            name of the user.
        pictures: Columns with more pictures to show, such as whole pages: a name, a pair (left, right), or a
            list of these. Pictures that rows were linked by are shown always.
        port: The port; 0 for any free one.
        seed: Of the questions that are chosen at random.
        browser: False does not open a browser.

    Returns:
        The answers, for `fit_decision(left, right, answers)`.

    Raises:
        InvalidArgumentError: `result` is neither, its rows are in files or their labels repeat, the file of
            answers is of another kind or of another review, or the port is in use.
        ColumnNotFoundError: `pictures` names no column.
        MissingExtraError: The packages of the extra "review" are not installed.

    Example:
        >>> import pandas as pd
        >>> import linktransformer as lt
        >>> links = lt.link(pd.DataFrame({"name": ["Acme"]}), pd.DataFrame({"name": ["ACME Co"]}), on="name")
        >>> answers = lt.review(links, "answers.sqlite")  # doctest: +SKIP
    """
    check_installed()
    pairs = pairs_of(result)
    columns = columns_of(pairs, result.details.get("images"), pictures)  # type: ignore[attr-defined]
    store = Answers(answers)
    _check(store, pairs)
    _serve(Desk(pairs, store, seed), columns, _name(reviewer), port, browser)
    return store


def check_installed() -> None:
    """Raise MissingExtraError before the work where the packages of the extra "review" are not installed."""
    for module in NEEDS:
        need(module, extra="review")


def _check(store: Answers, pairs: Pairs) -> None:
    """Refuse a file with answers about something else."""
    kind = "links" if pairs.clusters is None else "clusters"
    found = store.about(kind=kind)["kind"]
    if found != kind:
        raise InvalidArgumentError(
            f"answers={str(store.path)!r} holds answers about {found}, and these are {kind}. Give "
            "another file."
        )
    given = [(left, right) for left, right, *_ in store.standing()]
    known = [set(labels) for labels in pairs.labels]
    strange = sum(left not in known[0] or right not in known[1] for left, right in given)
    if strange:
        raise InvalidArgumentError(
            f"answers={str(store.path)!r} holds {strange} answers about rows that these tables do not have. "
            "Give the tables that were reviewed, or another file."
        )


def _name(reviewer: str | None) -> str:
    if reviewer is not None:
        return reviewer
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return ""


def _serve(desk: Desk, columns: tuple[tuple[str, str], ...], reviewer: str, port: int, browser: bool) -> None:
    """Serve until the review is ended; in a thread, since a notebook has an event loop of its own."""
    import uvicorn

    from linktransformer.review.app import application

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise InvalidArgumentError(
            f"port={port!r} cannot be used: {error}. Give 0 for any free one."
        ) from error
    listening.listen()  # before anybody knows the address
    access = Access(listening.getsockname()[1])
    ended = threading.Event()
    app = application(desk, columns, reviewer, access, ended.set)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    address = f"http://{HOST}:{access.port}/enter?token={access.token}"
    sys.stderr.write(f"Review at {address}\nIts button or Ctrl-C ends it.\n")
    sys.stderr.flush()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if browser:
            _open(Path(folder) / "review.html", address)
        try:
            while not ended.wait(0.5) and thread.is_alive():
                pass
        except KeyboardInterrupt:
            pass
        server.should_exit = True
        thread.join()
        listening.close()


def _open(page: Path, address: str) -> None:
    """Open a browser on a file that only this user can read: all users see the arguments of a command."""
    page.touch(mode=0o600)
    page.write_text(f'<meta http-equiv="refresh" content="0;url={address}">', encoding="utf-8")
    webbrowser.open(page.as_uri())
