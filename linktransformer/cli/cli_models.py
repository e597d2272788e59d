"""`linktransformer models`, `publish`, `pull` and `card`: models given and taken."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from linktransformer.cli.cli_arguments import print_table
from linktransformer.errors import ModelError

__all__ = ["add_to", "model_errors"]


def add_to(commands: Any) -> None:
    """Add the commands.

    Args:
        commands: The subparsers.
    """
    listed = commands.add_parser("models", help="list the models that came with the package")
    listed.set_defaults(run=_models)
    publish = commands.add_parser("publish", help="give a sealed model folder to others")
    publish.add_argument("folder", help="the folder, with its manifest.json")
    publish.add_argument("ref", help="a new folder, oci://host/name:tag or hf://org/name@tag")
    publish.add_argument("--private", action="store_true", default=None, help="for a new hub repository")
    pull = commands.add_parser("pull", help="fetch a published model, and print where it lies")
    pull.add_argument("ref", help="oci://host/name:tag, hf://org/name@revision or a folder")
    pull.add_argument("--to", metavar="FOLDER", help="copy it into this new folder")
    pull.add_argument("--offline", action="store_true", help="use only what was fetched before")
    card = commands.add_parser("card", help="print the card of a model")
    card.add_argument("ref", help="as for pull, or the name of a bundled model")
    for parser, run in ((publish, _publish), (pull, _pull), (card, _card)):
        parser.set_defaults(run=run)
        # no option takes a key: other users of the machine can see a command's arguments
        insecure = "speak to a registry on another machine without encryption"
        parser.add_argument("--insecure", action="store_true", help=insecure)


def _models(given: argparse.Namespace) -> int:
    import model_hub

    for name in model_hub.bundled_models():
        manifest = model_hub.bundled(name).manifest
        size = sum(file.size for file in manifest.files) / 1e6
        print(f"{name}  {manifest.dimension} dimensions  {manifest.licence}  {size:.0f} MB")
    return 0


def _publish(given: argparse.Namespace) -> int:
    import model_hub
    from linktransformer import progress

    options = {"private": given.private, "insecure": given.insecure}
    with model_errors(), progress.display(None, "publish"), progress.stage("publish (bytes)") as tick:
        found = model_hub.publish(given.folder, given.ref, progress=tick, **options)
    print(found)
    return 0


def _pull(given: argparse.Namespace) -> int:
    import model_hub
    from linktransformer import progress

    with model_errors(), progress.display(None, "pull"), progress.stage("fetch (bytes)") as tick:
        model = model_hub.load(given.ref, offline=given.offline, insecure=given.insecure, progress=tick)
        found = model_hub.publish(model, Path(given.to)) if given.to else model.path
    print(found)
    return 0


def _card(given: argparse.Namespace) -> int:
    import model_hub

    with model_errors():
        model = model_hub.load(given.ref, insecure=given.insecure)
        path = model.path / "README.md"
        text = path.read_text("utf-8") if path.exists() else model_hub.model_card(model.manifest, given.ref)
        print_table(text)
    return 0


@contextlib.contextmanager
def model_errors() -> Iterator[None]:
    """A model's error is the user's to mend (exit code 2), except for a connection that broke (1).

    Yields:
        Nothing; errors of `model_hub` become `ModelError` within the context, except transfer errors.
    """
    from model_hub import ModelHubError, TransferError

    try:
        yield
    except TransferError:
        raise
    except ModelHubError as error:
        raise ModelError(str(error)) from error
