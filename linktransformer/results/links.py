"""Links: the linked pairs of rows of two tables, and the reason of every unlinked row."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer import entries
from linktransformer.decision.threshold import is_number
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import explanation_text, link_explanation, notebook, report_warnings
from linktransformer.results.estimate import Estimate, estimate
from linktransformer.results.evaluation import evaluate_links
from linktransformer.results.link_table import LinkTable
from linktransformer.results.link_values import REASONS, Reason
from linktransformer.results.pair_explanation import check_number
from linktransformer.results.sample import Sample, sample_of_links
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.pair_labels import Ids
from linktransformer.tables.row_labels import Label

if TYPE_CHECKING:
    from linktransformer.charts.chart import Chart

__all__ = ["Links"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Links(LinkTable):
    """The decision for every row of two tables. Made by `linktransformer.link`.

    Iteration gives a `LinkedPair` (left, right, score) for each link.

    Args:
        left: The left table.
        right: The right table.
        left_rows: Row numbers of the links, (n,) int64, sorted by left row, falling score, right row.
        right_rows: (n,) int64.
        score: The match probability of each link, (n,) float32.
        views: The similarity in each view, (n,) float32 each.
        runner_up: The right row that the left row of each link would have been linked to next, -1 for none,
            (n,) int64.
        runner_up_score: Its score, NaN for none, (n,) float32.
        left_reason: Why each left row has no link, a `Reason`, (n_left,) int8.
        right_reason: Why each right row has no link, a `Reason`, (n_right,) int8.
        left_nearest: The nearest right row of each left row.
        right_nearest: The nearest left row of each right row.
        details: How it was decided: model, rule, threshold, counts.
        pictures: The picture of each left and of each right row, where rows have any.
        evidence: The candidates and statistics that explain match probabilities, None if not kept.
    """

    def _repr_html_(self) -> str:
        return notebook.of_links(self) if self._has_rows else f"<p>{escape(repr(self))}</p>"

    def above(self, threshold: float) -> Links:
        """The links with at least this score.

        Args:
            threshold: A score.

        Returns:
            New links; a row that loses its last one is unlinked, "below the threshold".

        Raises:
            InvalidArgumentError: The threshold is not a number.
        """
        if not is_number(threshold):
            raise InvalidArgumentError(f"threshold={threshold!r} is not a number. Give a score such as 0.8.")
        keep = self.score >= np.float32(threshold)
        reasons = []
        for rows, codes in ((self.left_rows, self.left_reason), (self.right_rows, self.right_reason)):
            linked = np.zeros(len(codes), dtype=bool)
            linked[rows[keep]] = True
            reasons.append(
                np.where((codes == Reason.LINKED) & ~linked, Reason.BELOW_THRESHOLD, codes).astype(np.int8)
            )
        return replace(
            self,
            left_rows=self.left_rows[keep],
            right_rows=self.right_rows[keep],
            score=self.score[keep],
            views={name: score[keep] for name, score in self.views.items()},
            runner_up=self.runner_up[keep],
            runner_up_score=self.runner_up_score[keep],
            left_reason=reasons[0],
            right_reason=reasons[1],
            details={
                **report_warnings.without_precision(self.details),
                "threshold": float(threshold),
                "rule": "above a score",
            },
        )

    def explain(
        self, link: int | None = None, *, left: Label = None, right: Label = None, as_text: bool = False
    ) -> IntoDataFrame | str:
        """Explain the match probability of a pair, or why a row has no link.

        Args:
            link: The position of a link in `pairs`, from 0; or give labels.
            left: The label of a left row (index label in pandas, row number elsewhere). With `right`: that
                pair, link or not. Without: the row's link, or why it has none.
            right: The label of a right row.
            as_text: True gives text to print, else a table.

        Returns:
            A table in the caller's library. Of a pair: item, left, right, score, match_weight, contribution.
            The line "pair" has the labels and the match probability. Then come the reason why it is not a
            link; each key column with the cells, their similarity, match weight in bits and contribution; the
            similarity in each view; and the contributions of the other families of features. Contributions
            are bits (log-odds / ln 2) and add up to the log-odds of the match probability. A link also has
            the right row that would have been linked next: runner_up, runner_up_score and
            runner_up_contribution. A pair that is not among the nearest candidates has no contributions.

            Of a row without a link: item, left, right, score and reason, the row first, then its best
            candidates.

        Raises:
            InvalidArgumentError: There is no such link or row, or the rows are in files.

        Example:
            >>> import pandas as pd
            >>> import linktransformer as lt
            >>> a, b = pd.DataFrame({"name": ["Acme Steel"]}), pd.DataFrame({"name": ["ACME STEEL CO"]})
            >>> links = lt.link(a, b, on="name", model="lexical", threshold=None)
            >>> bits = links.explain(0)["contribution"].sum()
            >>> bool(abs(1 / (1 + 2**-bits) - links.score[0]) < 1e-3)
            True
        """
        if (link is None) == (left is None and right is None):
            raise InvalidArgumentError(
                f"explain needs the number of a link or labels of rows. Given: link={link!r}, left={left!r}, "
                f"right={right!r}. Give explain(0), explain(left=label), or explain(left=label, right=label)."
            )
        if link is not None:
            check_number(link, len(self), f"link={link!r} is not a link.")
        if not self._has_rows:
            raise InvalidArgumentError(
                "These links are of files, whose rows are not in memory. Read the two rows and explain them "
                "by `link`."
            )
        if link is None:
            columns = link_explanation.of_labels(self, left, right)
        else:
            columns = link_explanation.of_link(self, int(link))
        return explanation_text.of_columns(columns) if as_text else frames.new_frame(self.left, columns)

    def chart(
        self,
        kind: str = "probability",
        *,
        link: int | None = None,
        left: Label = None,
        right: Label = None,
        truth: object = None,
        left_id: str | None = None,
        right_id: str | None = None,
    ) -> Chart:
        """Draw the links as a chart.

        Args:
            kind: "probability": a histogram of match probabilities, and estimated precision, recall and
                number of pairs by threshold, with a slider. "weights": match weights by column and level of
                similarity. "pair": what adds up to the probability of one pair. "views": similarity of the
                links in each view. "unlinked": rows by reason. "reliability": probabilities against `truth`.
            link: For "pair", the position of a link in `pairs`.
            left: For "pair", the label of a left row; with `right`.
            right: The label of a right row.
            truth: For "reliability", the true pairs, as `evaluate` takes them.
            left_id: The column of the left table whose values `truth` uses.
            right_id: The same of the right table.

        Returns:
            The chart: `to_svg()`, `to_html()`, `save(path)`, and a picture in a notebook.

        Raises:
            InvalidArgumentError: Another kind, or these links do not have what it shows.
        """
        from linktransformer.results.link_charts import Asked, link_chart

        return link_chart(self, kind, Asked(link, left, right, truth, self._has_rows, Ids(left_id, right_id)))

    def to_html(self, path: str | os.PathLike[str], *, title: str = "Links") -> None:
        """Write a report to hand on: one HTML file that needs no other file, no network and no script.

        It says what was linked and how sure that is, and has charts (with the extra `charts`, else a
        histogram), up to 20 links of each band of probability with their differences marked, rows without a
        link by reason, warnings, options and versions. It stays below 2 MB: where there are more rows it
        shows some, and says of how many.

        Args:
            path: The file.
            title: Its heading.
        """
        from linktransformer.results.link_page import link_page

        Path(path).write_text(link_page(self, title, has_rows=self._has_rows), encoding="utf-8")

    def to_excel(self, path: str | os.PathLike[str], *, limit: int = 1000) -> None:
        """Write pairs for review as an Excel file; needs the extra `cli`.

        It has the links, and the best candidate of each left row without one: cells side by side, the match
        probability, the reason, and an empty column for yes or no. `fit_decision(..., labels=path)` learns
        from the answers. Cells are text, never formulas.

        Args:
            path: The file, .xlsx.
            limit: The number of pairs; of more, as many of each band of probability as can be.

        Raises:
            InvalidArgumentError: Another suffix, no such number, or the rows are in files.
            MissingExtraError: openpyxl is not installed.
        """
        from linktransformer.results.review_sheet import write_review

        write_review(self, path, limit, has_rows=self._has_rows)

    def sample(self, n: int = 200, seed: int = 0) -> Sample:
        """Draw a stratified random sample of pairs, to be reviewed for `estimate`.

        Half of the pairs are links, for the precision; the others are candidates that are none, for the
        recall.
        Candidates of rows with equal texts count once. Matches that the search did not find are in no sample.

        Args:
            n: How many pairs, 8 or more.
            seed: The same seed gives the same sample; one of more than 40 pairs is part of a larger one.

        Returns:
            The sample; its `table` names the rows.

        Raises:
            InvalidArgumentError: n is too small, or no candidates were kept.

        Example:
            >>> import pandas as pd
            >>> import linktransformer as lt
            >>> a = pd.DataFrame({"name": [f"Acme Steel {n}" for n in range(30)]})
            >>> b = pd.DataFrame({"name": [f"ACME STEEL {n} CO" for n in range(30)]})
            >>> links = lt.link(a, b, on="name", model="lexical")
            >>> sample = links.sample(20)
            >>> found = links.estimate(sample, sample.rows[0] == sample.rows[1])
            >>> found.reviewed, found.precision_interval[0] <= found.precision <= found.precision_interval[1]
            (20, True)
        """
        return sample_of_links(self, n, seed)

    def estimate(self, sample: Sample, match: object) -> Estimate:
        """Estimate precision and recall, with 95 % intervals, from the answers for a sample.

        Args:
            sample: Of `sample`.
            match: For each pair of it, 1 or True for a match, 0 or False for none, NaN or None for no answer.

        Returns:
            Both with their intervals, as of pairs. Recall is of the matches among the candidates.

        Raises:
            InvalidArgumentError: Not as many answers as pairs, another value, or a stratum without an answer.
        """
        return estimate(sample, match)

    def review(self, answers: str | os.PathLike[str] = "answers.sqlite", **options: Any) -> os.PathLike[str]:
        """Ask people about candidate pairs on web pages of this machine, and keep their answers.

        Args:
            answers: The .sqlite file of the answers; one that is there is continued.
            **options: `reviewer`, `pictures`, `port`, `seed` and `browser` of `linktransformer.review`.

        Returns:
            The file of answers, for `fit_decision`: a `linktransformer.review.answers.Answers`.

        Raises:
            InvalidArgumentError: The file cannot be used, the rows are in files, or their labels repeat.
            MissingExtraError: The packages of the extra "review" are not installed.

        Example:
            >>> import linktransformer as lt
            >>> answers = lt.link(firms, register, on="name").review("answers.sqlite")  # doctest: +SKIP
        """
        return entries.review(self, answers, **options)

    def report(self) -> dict[str, Any]:
        """Report how the links were made, and the decisions for all rows.

        Returns:
            Model, key column and what the model reads; how each column was compared and the match weight in
            bits of its levels of similarity, from different to equal; rule, the threshold that was given or
            found (a match probability); estimated precision and recall of the links with 90 % intervals
            (None where nothing is linked); the lowest score of a link;
            counts of rows, links and unlinked rows by reason; how it was searched; "warnings", a list of
            texts, and "warning_codes", one for each: "no_shared_block" (block columns without a common
            value), "stand_in" (a value that probably stands for a missing one),
            "unreadable_pictures" (more than half of a column), "low_precision" and "few_pairs" (too few links
            to estimate the precision from). JSON can hold all of it.
        """
        counts = {
            table.name: {
                "rows": table.n_rows,
                **{REASONS[code]: int((codes == code).sum()) for code in sorted({0, *codes.tolist()})},
            }
            for table, codes in ((self.left, self.left_reason), (self.right, self.right_reason))
        }
        lowest = float(self.score.min()) if len(self) else None
        return {**self.details, "lowest_score": lowest, "links": len(self), **counts}

    def evaluate(
        self,
        truth: object,
        *,
        left_id: str | None = None,
        right_id: str | None = None,
        label: str | None = None,
    ) -> dict[str, float]:
        """Compare the links with the true pairs.

        Args:
            truth: The true pairs: a table of two columns, left and right label, and perhaps a third one with
                1 (true, yes) for a match and 0 (false, no) for none; a dict from left to right label; or
                pairs, or triples.
            left_id: The column of the left table whose values `truth` uses; None for index labels in pandas,
                row numbers elsewhere.
            right_id: The same of the right table.
            label: The column of `truth` with 1 and 0; None for "label", "match" or the third column.

        Returns:
            precision, recall, f1, links, true_pairs, and of the labels: repeated_labels and contradictions
            (pairs labelled both ways, and non-matches between rows that matches join), with a `LinkWarning`.
            Every link that is not a match of `truth` is wrong; pairs labelled both ways are left out of all
            figures. Precision is 1.0 where nothing is linked.

        Raises:
            InvalidArgumentError: The columns of `truth` are ambiguous, it has labels and no match, or a label
                is that of no row or of several.
            ColumnNotFoundError: A column that is not there.
        """
        return evaluate_links(self, truth, Ids(left_id, right_id, label), has_rows=self._has_rows)
