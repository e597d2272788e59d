"""`linktransformer models`, `publish`, `pull` and `card`: list, publish and fetch models."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from linktransformer.cli.arguments import Commands
from linktransformer.cli.outputs import print_table
from linktransformer.errors import ModelError

__all__ = ["add_to", "model_errors"]


def add_to(commands: Commands) -> None:
    """Add the commands."""
    listed = commands.add_parser("models", help="list the bundled models")
    listed.set_defaults(run=_models)
    publish = commands.add_parser("publish", help="publish a sealed model folder")
    publish.add_argument("folder", help="the folder, with its manifest.json")
    publish.add_argument("ref", help="a new folder, oci://host/name:tag or hf://org/name@tag")
    publish.add_argument("--private", action="store_true", default=None, help="for a new hub repository")
    pull = commands.add_parser("pull", help="fetch a published model, and print its folder")
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


def _models(arguments: argparse.Namespace) -> int:
    import model_hub

    for name in model_hub.bundled_models():
        manifest = model_hub.bundled(name).manifest
        size = sum(file.size for file in manifest.files) / 1e6
        print(f"{name}  {manifest.dimension} dimensions  {manifest.licence}  {size:.0f} MB")
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    import model_hub
    from linktransformer import progress

    options = {"private": arguments.private, "insecure": arguments.insecure}
    with model_errors(), progress.display(None, "publish"), progress.stage("publish (bytes)") as tick:
        reference = model_hub.publish(arguments.folder, arguments.ref, progress=tick, **options)
    print(reference)
    return 0


def _pull(arguments: argparse.Namespace) -> int:
    import model_hub
    from linktransformer import progress

    with model_errors(), progress.display(None, "pull"), progress.stage("fetch (bytes)") as tick:
        model = model_hub.load(
            arguments.ref, offline=arguments.offline, insecure=arguments.insecure, progress=tick
        )
        place = model_hub.publish(model, Path(arguments.to)) if arguments.to else model.path
    print(place)
    return 0


def _card(arguments: argparse.Namespace) -> int:
    import model_hub

    with model_errors():
        model = model_hub.load(arguments.ref, insecure=arguments.insecure)
        path = model.path / "README.md"
        text = (
            path.read_text("utf-8") if path.exists() else model_hub.model_card(model.manifest, arguments.ref)
        )
        print_table(text)
    return 0


@contextlib.contextmanager
def model_errors() -> Iterator[None]:
    """Turn errors of `model_hub` into ModelError (exit code 2), except transfer errors (exit code 1)."""
    from model_hub import ModelHubError, TransferError

    try:
        yield
    except TransferError:
        raise
    except ModelHubError as error:
        raise ModelError(str(error)) from error
