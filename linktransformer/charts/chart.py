"""A chart as a value: a Vega-Lite specification, drawn where the extra `charts` is installed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.optional import need

__all__ = ["BAND", "GREY", "IN", "OUT", "SHADES", "Chart", "Spec", "chart_of"]

Spec: TypeAlias = Mapping[str, object]

IN, OUT, GREY, BAND = "#2a78b5", "#d9822b", "#6b7280", "#5b8c5a"  # distinguishable with colour blindness
SHADES = (IN, OUT, BAND, "#8e5ea2", "#b0413e", "#4d4d4d", "#c2a83e")
SUFFIXES = (".svg", ".png", ".html", ".json")
VERSION = "5.20"  # of Vega-Lite; notebooks draw any specification of version 5
PNG_SCALE = 2.0

_CONFIG: Spec = {
    "font": "Helvetica, Arial, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "title": {"anchor": "start", "fontSize": 14, "subtitleColor": GREY, "subtitleFontSize": 11, "offset": 12},
    "axis": {
        "gridColor": "#e5e7eb",
        "domainColor": "#9ca3af",
        "tickColor": "#9ca3af",
        "titleFontWeight": 500,
    },
    "legend": {"titleFontWeight": 500},
    "header": {"titleFontWeight": 500, "labelFontWeight": 500},
}


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A chart. Made by `Links.chart`, `Clusters.chart` and `linktransformer.column_chart`.

    Notebooks draw it as the last value of a cell. `spec` can be drawn or changed by all that reads Vega-Lite,
    such as `altair.Chart.from_dict(chart.spec)`. Drawing as SVG, PNG or HTML needs the extra `charts`, and no
    network.

    Args:
        spec: The Vega-Lite specification, version 5, with its data.
        description: What the chart shows, in words; the alternative text of the picture.
        advice: What follows from it, in words; empty where a chart has none.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> import linktransformer as lt
        >>> table = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", "Acme Steel"]})
        >>> chart = lt.column_chart(table, on="name")
        >>> chart.spec["$schema"].rpartition("/")[2], chart.description[:27]
        ('v5.json', 'Key columns before linking:')
    """

    spec: Spec
    description: str
    advice: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"Chart({self.description})"

    def to_svg(self) -> str:
        """The chart as an SVG document.

        Returns:
            SVG with the description as its title for screen readers, without scripts.

        Raises:
            MissingExtraError: The extra `charts` is not installed.
        """
        vl_convert = need("vl_convert", extra="charts")
        svg = str(vl_convert.vegalite_to_svg(dict(self.spec), vl_version=VERSION, allowed_base_urls=[]))
        return _described(svg, self.description)

    def to_png(self) -> bytes:
        """The chart as a PNG picture.

        Returns:
            The bytes of the file, two pixels for each point.

        Raises:
            MissingExtraError: The extra `charts` is not installed.
        """
        vl_convert = need("vl_convert", extra="charts")
        spec = dict(self.spec)
        return bytes(
            vl_convert.vegalite_to_png(spec, vl_version=VERSION, scale=PNG_SCALE, allowed_base_urls=[])
        )

    def to_html(self) -> str:
        """The chart as a page with its scripts inside: it can be moved and needs no network.

        Returns:
            HTML of about 850 kB.

        Raises:
            MissingExtraError: The extra `charts` is not installed.
        """
        vl_convert = need("vl_convert", extra="charts")
        # a cell may hold "</script>", and the specification stands in a script: no "<" of it may stay one
        text = json.dumps(self.spec)
        mark = "LESSTHAN"
        while mark in text:
            mark += "X"
        page = str(vl_convert.vegalite_to_html(text.replace("<", mark), vl_version=VERSION, bundle=True))
        return page.replace(mark, "\\u003c")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the chart to a file.

        Args:
            path: Its name. The suffix says the form: .svg, .png, .html (a page with its scripts inside) or
                .json (the Vega-Lite specification, which needs no extra).

        Raises:
            InvalidArgumentError: Another suffix.
            MissingExtraError: The extra `charts` is not installed.
        """
        file = Path(path)
        suffix = file.suffix.lower()
        if suffix not in SUFFIXES:
            raise InvalidArgumentError(
                f"path={str(path)!r} has the suffix {file.suffix!r}. Give one of {', '.join(SUFFIXES)}."
            )
        if suffix == ".png":
            file.write_bytes(self.to_png())
            return
        text = {".svg": self.to_svg, ".html": self.to_html, ".json": self._json}[suffix]()
        file.write_text(text, encoding="utf-8")

    def _json(self) -> str:
        return json.dumps(self.spec, ensure_ascii=False) + "\n"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """What a notebook shows: the specification, and SVG where it can be drawn."""
        bundle: dict[str, object] = {"text/plain": repr(self), "application/vnd.vegalite.v5+json": self.spec}
        try:
            bundle["image/svg+xml"] = self.to_svg()
        except MissingExtraError:  # the notebook draws the specification
            return bundle
        return bundle


def chart_of(spec: Spec, title: str, subtitle: Sequence[str], advice: Sequence[str] = ()) -> Chart:
    """A chart of a specification with a title, and lines below it that say what is shown."""
    description = f"{title}: {' '.join(subtitle)}" if subtitle else title
    head = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": title, "subtitle": list(subtitle)},
        "description": description,
        "config": _CONFIG,
    }
    return Chart({**head, **spec}, description, tuple(advice))


def _described(svg: str, description: str) -> str:
    """SVG that screen readers take as one picture with a description."""
    from html import escape

    label = escape(description)
    head, _, rest = svg.partition(">")
    return f'{head} role="img" aria-label="{label}"><title>{label}</title>{rest}'
