"""The model card, written from a manifest, with a snippet that runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from model_hub.manifest import RECORD_ARCHITECTURES, Manifest
from model_hub.ref import HUB_NAME

# names of the Hugging Face Hub; any other licence is "other" with its own name
_LICENCES = frozenset(
    {
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0",
        "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "unlicense", "isc",
    }
)  # fmt: skip
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def model_card(manifest: Manifest, reference: str | None = None) -> str:
    """Write a model card.

    Args:
        manifest: The model's manifest.
        reference: How users name the model; None writes the folder `./NAME`.

    Returns:
        Markdown with the front matter that the Hugging Face Hub reads.

    Example:
        >>> from model_hub import bundled
        >>> model_card(bundled().manifest).splitlines()[1]
        'license: mit'
    """
    parts = [
        _front_matter(manifest),
        f"# {manifest.name}",
        manifest.description or _kind(manifest),
        _use(reference or f"./{manifest.name}", manifest.architecture in RECORD_ARCHITECTURES),
        "## What it is",
        _table(_facts(manifest)),
        "## What it was trained on",
        _trained(manifest),
        "## How it was measured",
        _measured(manifest),
        "## Limits",
        _limits(manifest),
        "## Licence",
        _terms(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def propose_name(data: str, task: str, lang: str) -> str:
    """Propose a model's name after the convention lt-<data>-<task>-<lang>.

    Args:
        data: What it was trained on, such as "German firms".
        task: What it does, such as "match".
        lang: Its language, or "multilingual".

    Returns:
        The name, in lower case with dashes.

    Example:
        >>> propose_name("German firms", "match", "de")
        'lt-german-firms-match-de'
    """
    import unicodedata

    words = []
    for part in (data, task, lang):
        plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode().lower()
        words.append(_NOT_WORD.sub("-", plain).strip("-") or "x")
    return "-".join(["lt", *words])[:96].rstrip("-")  # the Hugging Face Hub takes 96 letters


def _front_matter(manifest: Manifest) -> str:
    licence = manifest.licence.lower()
    lines = [f"license: {licence if licence in _LICENCES else 'other'}"]
    if licence not in _LICENCES:
        lines.append(f"license_name: {json.dumps(_NOT_WORD.sub('-', licence).strip('-') or 'unnamed')}")
    if manifest.languages:
        lines += ["language:", *(f"- {json.dumps(code)}" for code in manifest.languages)]
    own = manifest.architecture == "sentence-transformers"
    tags = ["linktransformer", "record-linkage", "entity-resolution", "sentence-similarity"]
    lines += ["tags:", *(f"- {tag}" for tag in tags)]
    if HUB_NAME.fullmatch(manifest.base_model):
        lines.append(f"base_model: {json.dumps(manifest.base_model)}")
    lines += ["pipeline_tag: sentence-similarity"]
    lines += [f"library_name: {'sentence-transformers' if own else 'linktransformer'}"]
    return "\n".join(["---", *lines, "---"])


def _kind(manifest: Manifest) -> str:
    task = manifest.task or "linking the rows of tables that name the same things differently"
    model = "model of pictures and texts" if manifest.architecture in RECORD_ARCHITECTURES else "text model"
    return f"A {model} for {_plain(task)}, made from {_code(manifest.base_model)}."


def _terms(manifest: Manifest) -> str:
    own = manifest.base_model.startswith("none:")
    return f"{manifest.licence}." + (
        "" if own else f" The base model {_code(manifest.base_model)} has a licence of its own."
    )


def _use(reference: str, pictures: bool) -> str:
    # two tables in the snippet itself, so that it runs as it stands
    more = 'With a column of pictures in both tables, add `images="crop"`.' if pictures else ""
    return f"""## Use

```python
import pandas as pd
import linktransformer as lt

left = pd.DataFrame({{"name": ["Acme Steel Corp.", "Baxter Dairy", "Crown Mills"]}})
right = pd.DataFrame({{"name": ["ACME STEEL CORPORATION", "Baxter Dairy Company", "Crown Mills Ltd"]}})
linked = lt.merge(left, right, on="name", model={json.dumps(reference)})
print(linked)
```

{more}""".rstrip()


def _facts(manifest: Manifest) -> dict[str, object]:
    size = sum(file.size for file in manifest.files) / 1e6
    facts = {
        "architecture": manifest.architecture,
        "base model": manifest.base_model,
        "base revision": manifest.base_revision,
        "weights from": manifest.source,
        "revision": manifest.revision,
        "languages": ", ".join(manifest.languages) or "not stated",
        "task": manifest.task,
        "dimension": manifest.dimension,
        "longest text": f"{manifest.max_tokens} {_unit(manifest)}",
        "size": f"{size:.1f} MB in {len(manifest.files)} files, each checked against its SHA-256 when loaded",
        "decision": manifest.decision,
        "made by": manifest.created_by,
    }
    return {key: value for key, value in facts.items() if value not in ("", None)}


def _trained(manifest: Manifest) -> str:
    if not manifest.trained_on:
        return "Not stated: either nothing was trained beyond the base model, or it was not written down."
    return _table(manifest.trained_on)


def _measured(manifest: Manifest) -> str:
    if not manifest.metrics:
        return "No numbers are stated."
    where = _code(manifest.measured_on) if manifest.measured_on else "data that are not stated"
    return f"On {where}.\n\n" + _table({name: f"{value:g}" for name, value in manifest.metrics.items()})


def _limits(manifest: Manifest) -> str:
    languages = ", ".join(manifest.languages)
    lines = [
        f"- Texts are cut after {manifest.max_tokens} {_unit(manifest)}; what comes later is not seen.",
        f"- Languages: {languages}; others were not tried." if languages else "- Languages are not stated.",
        "- Numbers measured on one data set say little about another: look at a sample of your own links.",
    ]
    return "\n".join(lines)


def _unit(manifest: Manifest) -> str:
    return "characters" if manifest.architecture in ("clippings", "clippings-onnx") else "tokens"


def _table(values: Mapping[str, object]) -> str:
    rows = [f"| {_plain(key)} | {_plain(_text(value))} |" for key, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *rows])


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """A text on one line, with the characters of tables and markup escaped."""
    return re.sub(r"([|<>`\\])", r"\\\1", " ".join(str(text).split()))


def _code(text: str) -> str:
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
