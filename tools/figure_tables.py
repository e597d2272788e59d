"""The tables of the pages whose figures are from docs/runs: which column is which field of which run."""

from __future__ import annotations

from tools.figures import Figures, Sentence, Source

ALL_SETS = ("zero_label", "new sets")
JOBS = {
    name: name.replace(" ", "_")
    for name in (
        "dblp acm", "abt buy", "amazon google", "febrl4 hard", "japanese firms 1950s", "firms 4 columns",
        "mexican tariff 1947 1948", "firms name", "synthetic firms", "edinet ja en companies",
        "google taxonomy en de", "geonames cities altnames",
    )
}  # fmt: skip


def _sets(run: str, *fields: str) -> Source:
    return Source((run,), ALL_SETS, fields)


def _speed(run: str, side: str, *fields: str) -> Source:
    runs = (run, "default_speed_crosslingual") if run == "default_speed" else (run,)
    return Source(runs, ("medians",), fields or ("CPU s", "peak MB", "F1"), ("job",), {"side": side})


def _lists(table: str, *fields: str) -> Source:
    return Source(("unseen",), (table,), fields, ("set",))


def _dedup(*fields: str) -> Source:
    return Source(("dedup",), ("dedup",), fields)


def _tables(*fields: str) -> Source:
    return Source(("tables",), ("tables",), fields, ("data set", "by"))


def _growth(*fields: str) -> Source:
    return Source(("growth",), ("growth",), fields, ("rows",))


def _score(field: str) -> Source:
    return Source(("precision_made",), ("made tables, reliability of the score",), (field,), ("score",))


TABLES = (
    Figures(
        "decision-method.md",
        "| set | n-grams only: F1 |",
        {
            1: _sets("zero_label_lexical", "F1"),
            2: _sets("zero_label_lexical", "precision"),
            3: _sets("zero_label_lexical", "estimated precision"),
            4: _sets("zero_label_default", "F1"),
            5: _sets("zero_label_default", "precision"),
            6: _sets("zero_label_default", "estimated precision"),
            7: _sets("zero_label_full", "F1"),
            8: _sets("zero_label_default", "TF-IDF"),
        },
    ),
    Figures(
        "decision-method.md",
        "| set | links | pairs from .5 |",
        {
            1: Source(("zero_label_default",), ("pairs",), ("F1 (default)",)),
            2: Source(("zero_label_default",), ("pairs",), ("F1 (m:m, .5)",)),
            3: Source(("zero_label_default",), ("pairs",), ("AnyMatch 1B",)),
            4: Source(("zero_label_default",), ("pairs",), ("GPT-4",)),
        },
    ),
    Figures(
        "decision-method.md",
        "| set | rows | matches | TF-IDF, mutual best |",
        {
            2: _lists("two tables", "matches"),
            3: _lists("two tables", "TF-IDF mutual"),
            4: _lists("two tables", "TF-IDF oracle"),
            5: _lists("two tables", "n-grams"),
            6: _lists("two tables", "without reader"),
            7: _lists("two tables", "default"),
            8: _lists("two tables", "precision"),
            9: _lists("two tables", "estimated"),
        },
    ),
    Figures(
        "decision-method.md",
        "| set | rows | entities | n-grams only |",
        {
            1: _lists("one table", "rows"),
            2: _lists("one table", "things"),
            3: _lists("one table", "n-grams"),
            4: _lists("one table", "default"),
            5: _lists("one table", "precision"),
            6: _lists("one table", "recall"),
        },
    ),
    Figures(
        "decision-method.md",
        "| score | share of the pairs |",
        {1: _score("weight"), 2: _score("mean score"), 3: _score("share right")},
        names={
            f"{low or 0} to {high}".replace("0.", "."): f"{low:.1f} to {high:.1f}"
            for low, high in ((n / 10, (n + 1) / 10) for n in range(10))
        }
        | {"0 to .1": "0.0 to 0.1", ".9 to 1": "0.9 to 1.0"},
    ),
    Figures(
        "performance.md",
        "| job | default | full | lexical |",
        {
            1: _speed("default_speed", "default"),
            2: _speed("default_speed", "full"),
            3: _speed("default_speed", "lexical"),
            4: _speed("default_speed", "linktransformer 0.1.18"),
            5: _speed("default_speed", "Splink"),
            6: _speed("default_speed", "TF-IDF"),
        },
        names=JOBS,
    ),
    Figures(
        "performance.md",
        "| job | default | default above |",
        {
            1: _speed("default_speed_reader", "default"),
            2: _speed("default_speed", "default"),
            3: _speed("default_speed_reader", "lexical", "CPU s", "F1"),
        },
        names=JOBS,
    ),
    Figures(
        "dedup.md",
        "| set | by | clusters |",
        {
            2: _tables("clusters"),
            3: _tables("precision"),
            4: _tables("recall"),
            5: _tables("f1"),
            6: _tables("CPU s"),
        },
        labels=2,
        names={
            'three tables, `duplicates={"a", "b"}`': "at once",
            "three tables": "at once, duplicates not told",
            '`link(validate="m:m")` of each two, components': "pairwise",
            "the same and clusters of each table, components": "pairwise and each table",
            'Splink 5, "link_and_dedupe"': "Splink",
        },
    ),
    Figures(
        "dedup.md",
        "| set | rows | clusters | true |",
        {
            1: _dedup("rows"),
            2: _dedup("clusters"),
            3: _dedup("true clusters"),
            4: _dedup("precision"),
            5: _dedup("recall"),
            6: _dedup("f1"),
            7: _dedup("oracle F1"),
            8: _dedup("b_cubed_f1"),
            9: _dedup("oracle B-cubed"),
            10: _dedup("seconds"),
            11: _dedup("peak MB"),
        },
    ),
    Figures(
        "dedup.md",
        "| rows | seconds | CPU s |",
        {
            1: _growth("seconds"),
            2: _growth("CPU s"),
            3: _growth("ms a row"),
            4: _growth("peak MB"),
            5: _growth("KB a row"),
            6: _growth("f1"),
            7: _growth("b_cubed_f1"),
        },
        names={f"{rows:,}": str(rows) for rows in (10_000, 30_000, 100_000, 300_000)},
    ),
    Figures("reader.md", "| two tables | without |", {2: _sets("zero_label_default", "F1")}),
    Figures("reader.md", "| one table | without |", {2: _dedup("f1")}),
)

N = r"(\d*\.?\d+|\d[\d,]*)"  # a figure
_SUM = "zero_label, summary"
_KEPT = "tables without duplicates"
_ROWS = {"job": "records"}
_NAMES = {"job": "names"}


def _codes(name: str, field: str) -> tuple[str, str, str, dict[str, str]]:
    return "codelists", "codelists", field, {"list": name}


SENTENCES = (
    Sentence(
        "decision-method.md",
        f"are above TF-IDF by {N} in the mean of {N} sets that were measured before, and {N} below",
        [
            ("zero_label_lexical", _SUM, "difference", {}),
            ("zero_label_lexical", _SUM, "data sets", {}),
            ("zero_label_lexical", _SUM, "worst difference", {}),
        ],
    ),
    Sentence(
        "decision-method.md",
        f"the {N} sets of the earlier decision have a mean of {N} .*?every record encoded {N}\\)"
        f"; the rules, .*? had {N}, TF-IDF has {N}\\.",
        [
            ("zero_label_default", _SUM, "data sets", {}),
            ("zero_label_default", _SUM, "mean F1", {}),
            ("zero_label_full", _SUM, "mean F1", {}),
            ("zero_label_default", _SUM, "mean rules", {}),
            ("zero_label_default", _SUM, "mean TF-IDF", {}),
        ],
    ),
    Sentence(
        "decision-method.md",
        f"of {N} spellings of {N} towns {N} are linked and right, of {N} messy values of {N} departments "
        f"{N}, with a precision of {N} and {N}\\.",
        [
            *(_codes("town_names", field) for field in ("rows", "codes", "linked right")),
            *(_codes("made list", field) for field in ("rows", "codes", "linked right")),
            _codes("town_names", "precision"),
            _codes("made list", "precision"),
        ],
    ),
    Sentence(
        "decision-method.md",
        f"four columns {N} to {N}, F1 {N} to {N}; 100,000 x 100,000 names {N} to {N}, F1 {N} to {N}, "
        f"memory {N} to {N} MB",
        [
            ("speed", "medians", field, {**job, "side": side})
            for job, fields in ((_ROWS, ("CPU s", "F1")), (_NAMES, ("CPU s", "F1", "peak MB")))
            for field in fields
            for side in ("ours, auto", "TF-IDF")
        ],
    ),
    Sentence(
        "decision-method.md",
        f"expected calibration error {N}\\)",
        [("precision_made", "made tables, calibration", "expected calibration error", {})],
    ),
    Sentence(
        "performance.md",
        f"Two rows: {N} s for the first call after an import of {N} s,",
        [
            ("default_speed_reader", "two rows, medians", field, {"side": "default"})
            for field in ("first s", "import s")
        ],
    ),
    Sentence(
        "dedup.md",
        f"The mean is {N}, without the reader \\.\\d+, the baseline {N}\\.",
        [("dedup", "summary", "mean F1", {}), ("dedup", "summary", "mean oracle F1", {})],
    ),
    Sentence(
        "dedup.md",
        f"a different entity, {N} \\(dblp_acm\\), {N} \\(febrl4\\), {N} \\(abt_buy, .*?\\) and {N}, {N} ",
        [
            ("dedup", _KEPT, "kept", {"data set": f"{name}, left"})
            for name in ("dblp_acm", "febrl4_persons", "abt_buy", "autofj/Song", "autofj/Hospital")
        ],
    ),
    Sentence(
        "dedup.md",
        f"The time per row grows by {N} from",
        [("growth", "summary", "time a row, times", {})],
    ),
)
