"""Tables in memory as a source of candidates: texts, and pictures as one more view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Floats, Integers
from linktransformer.decision.choose_links import choose
from linktransformer.decision.fused import Fused
from linktransformer.decision.pair_probabilities import Judged, judge
from linktransformer.encoding import cached_encoder, model_plan, picture_views, truncation
from linktransformer.encoding.model_plan import Plan
from linktransformer.linking import long_records
from linktransformer.linking.candidate_source import Scored, scored
from linktransformer.linking.grow_entities import grown
from linktransformer.linking.learned_reader import reader_for
from linktransformer.linking.long_records import Encoding, Reading
from linktransformer.linking.options import Job, ReaderUse, is_budget
from linktransformer.linking.read_pairs import PairReading, TableReader
from linktransformer.linking.reread import reread
from linktransformer.linking.selective_encoding import NOT_ASKED, adapted, in_doubt
from linktransformer.results.report import ABSENT, Absent, PairsReport
from linktransformer.scoring import fellegi_sunter
from linktransformer.scoring.describe import Options, describe
from linktransformer.search import blocking
from linktransformer.search.blocking import Nodes
from linktransformer.tables import block_keys, picture_records, records
from linktransformer.tables.block_keys import Blocks
from linktransformer.tables.frames import Table
from linktransformer.tables.picture_records import Units
from linktransformer.tables.records import Records

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = [
    "Pairs",
    "TableRecords",
    "TableSource",
    "compare",
    "linked",
    "plan_of",
    "read",
    "source_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class TableRecords:
    """The records of a table: its key texts, and with pictures its units of text and picture."""

    table: Table
    on: list[str]
    texts: Records
    units: Units | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Described pairs with their log-odds; how many records a model encoded; the vectors of pictures.

    `unread`: the pairs before some were read, None where none was. `long`: how long records were read, with
    what was chosen on a sample.
    """

    judged: Judged
    encoded: Mapping[str, object] | Absent = ABSENT
    read: Mapping[str, object] | Absent = ABSENT
    unread: Judged | None = None
    vectors: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    long: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class TableSource:
    """Two tables in memory, or one against itself (`same`), with their records numbered as nodes."""

    sides: tuple[TableRecords, TableRecords]
    nodes: tuple[Nodes, Nodes]
    plan: Plan
    job: Job
    same: bool = False

    @property
    def texts(self) -> tuple[Records, Records]:
        """The key texts of both tables."""
        return self.sides[0].texts, self.sides[1].texts

    @property
    def units(self) -> tuple[Units, Units] | None:
        """What rows with pictures say and show; None for texts alone."""
        left, right = self.sides[0].units, self.sides[1].units
        return None if left is None or right is None else (left, right)

    @property
    def unreadable(self) -> list[str]:
        """Warnings of pictures that cannot be read."""
        return [side.units.warning for side in self.sides if side.units is not None and side.units.warning]

    @property
    def pictures(self) -> tuple[Sequence[Picture], Sequence[Picture]] | None:
        """The picture of each left and of each right row."""
        return None if self.units is None else (self.units[0].picture_of_row, self.units[1].picture_of_row)

    @property
    def encoding(self) -> Encoding:
        """The model of texts, which reads long ones as the job says; not yet chosen on a sample."""
        return Encoding(self.plan.encoder, self.job.batch_size, self.reading.model == "pieces")

    @property
    def reading(self) -> Reading:
        """How long records are read."""
        left, right = (side.texts.tolist() for side in self.texts)
        return long_records.of_records((left, right), self.plan, self.job.long)

    @property
    def adaptive(self) -> bool:
        """Whether the model encodes only records that n-grams leave in doubt."""
        named = self.plan.encoder is None or self.plan.chosen
        return not named and not self.same and self.units is None

    def options(self, encoding: Encoding, reading: Reading) -> Options:
        """How candidates are searched."""
        job = self.job
        common = Options(
            k=int(job.k), comparisons=job.compare, memory_limit=job.memory_limit, device=job.device
        )
        if self.units is not None:
            return replace(common, readings=True)
        encode_all = self.plan.encoder is not None and not self.adaptive
        written = None if self.plan.reads_key_column else self.plan.serializer
        if written is not None and encoding.passages:
            written = long_records.serializer_of(self.plan, self.job.long)
        common = replace(common, passages=reading.ngrams, passages_encoded=encoding.passages)
        return replace(common, written=written, embed=encoding if encode_all else None)

    def candidates(self) -> Pairs:
        """Search and describe pairs; pictures are the view "dense" where both tables have some."""
        reading, encoding = self.reading, self.encoding
        long: dict[str, object] = {}
        if self.units is None and self.plan.encoder is not None and not self.adaptive:
            encoding, long = self.chosen(reading)
        options, vectors, pictures = self.options(encoding, reading), {}, False
        if self.units is not None:
            vectors = picture_views.vectors_of(
                self.units, self.plan.encoder, batch_size=self.job.batch_size, same=self.same
            )
            pictures = bool(vectors) and all(side.has_picture.any() for side in self.units)
        if vectors:
            dense = vectors["image" if pictures else "fused"]
            options = replace(options, vectors={"dense": dense, "fused": vectors["fused"]})
        tables, on = zip(*((side.table, side.on) for side in self.sides), strict=True)
        described = describe(tables, on, self.nodes, self.texts, options, same=self.same)
        judged = judge(described, self.plan.correction, pictures=pictures)
        return Pairs(judged, vectors=vectors, long=long or reading.report)

    def chosen(self, reading: Reading) -> tuple[Encoding, dict[str, object]]:
        """The model of texts as it reads long ones, and the report of the choice."""
        left, right = (side.texts.tolist() for side in self.texts)
        return long_records.chosen(reading, self.encoding, (left, right))

    def probabilities(self, pairs: Pairs) -> Fused:
        """Match probabilities. Equal readings of pictures do not raise a pair: an engine misreads alike."""
        fused = pairs.judged.in_job(
            self.texts,
            readings=self.units is not None,
            expected_overlap=self.job.expected_overlap,
            keep_features=self.job.keep_features,
        )
        if self.units is None:
            return fused
        candidates = picture_views.with_vectors(fused.candidates, pairs.vectors, self.nodes)
        candidates = picture_views.with_edit(candidates, self.nodes, self.units)
        return replace(fused, candidates=picture_views.without_gaps(candidates, self.nodes, self.units))

    def refined(self, pairs: Pairs, fused: Fused) -> tuple[Pairs, Fused]:
        """The pairs with the bundled model's view of records in doubt, and with the reader's log-odds."""
        for step in (self._encoded, self._read, self._grown):
            refined = step(pairs, fused)
            if refined.judged is not pairs.judged:
                fused = self.probabilities(refined)
            pairs = refined
        return pairs, fused

    def _encoded(self, pairs: Pairs, fused: Fused) -> Pairs:
        """The pairs with the bundled model's view, where it is to see the records in doubt alone."""
        if not self.adaptive:
            return pairs
        reading = self.reading
        if reading.report and not in_doubt(fused):  # long records take long to encode
            return replace(pairs, encoded=NOT_ASKED, long={**reading.report, "model": "not asked"})
        encoding, long = self.chosen(reading)
        options = self.options(encoding, reading)
        judged, encoded = adapted(
            pairs.judged, fused, encoding, options, self.plan.correction, self._table_reader
        )
        return replace(pairs, judged=judged, encoded=encoded, long=long)

    @property
    def _reads(self) -> ReaderUse:
        return reader_for(self.plan, self.job.reader)

    @property
    def _table_reader(self) -> TableReader | None:
        """The reader of both tables; None where nothing is to be read."""
        if self._reads is False:
            return None
        left, right = self.sides
        return TableReader((left.table, right.table), (left.on, right.on))

    def _read(self, pairs: Pairs, fused: Fused) -> Pairs:
        """The pairs with what a reader adds for those in doubt."""
        reader = self._table_reader
        if reader is None:
            return pairs
        described = pairs.judged.described
        own, read = reread(
            pairs.judged.own,
            fused,
            reader.cells(described.views),
            self._reads,
            same=self.same,
            encoded=sum(len(text) for side in described.written or () for text in side),
            folder=self.plan.reader,
        )
        if own is not pairs.judged.own:
            pairs = replace(pairs, judged=replace(pairs.judged, own=own), unread=pairs.judged)
        return replace(pairs, read=read)

    def _grown(self, pairs: Pairs, fused: Fused) -> Pairs:
        """The pairs of one table, judged again where records have rivals that are the same entity."""
        reader, reads = self._table_reader, self._reads
        if reader is None or not self.same or not is_budget(reads) or not len(fused.score):
            return pairs
        described = pairs.judged.described
        encoded = sum(len(text) for side in described.written or () for text in side)
        read = {} if isinstance(pairs.read, Absent) else dict(pairs.read)
        spent = int(cast(int, read.get("tokens", 0)))
        reading = PairReading.within(reads, 2 * fused.candidates.n_left, encoded, spent, self.plan.reader)
        cells = reader.cells(described.views)
        judged, report = grown(pairs.unread or pairs.judged, pairs.judged, fused.score, cells, reading)
        return replace(pairs, judged=judged, read={**read, **report})

    def report(self, pairs: Pairs | None, fused: Fused) -> PairsReport:
        """How pairs were found and compared."""
        read = PairsReport(
            model=self.plan.name,
            rows_cut=sum(side.texts.n_cut for side in self.sides[: 1 if self.same else 2]),
            search=ABSENT if self.same else dict(fused.candidates.report),
        )
        if self.units is not None:
            problems = {
                side.table.name: dict(units.problems)
                for side, units in zip(self.sides, self.units, strict=True)
            }
            names = [side.image for side in self.sides]
            read = replace(
                read,
                images=names[0] if self.same else names,
                rows_without_picture=dict(self.units[0].problems) if self.same else problems,
            )
        if pairs is None:
            return read
        described, correction = pairs.judged.described, self.plan.correction
        learned = correction is not None and correction.fits(described.columns)
        features, use = described.features, cached_encoder.of_report(self.plan.encoder)
        if described.written is not None and pairs.long.get("model") != "pieces":
            n_tables = 1 if self.same else 2  # the rows of one table count once
            use |= truncation.of_model(self.plan.encoder, self.texts[:n_tables], described.written[:n_tables])
        return replace(
            read,
            encoded=pairs.encoded,
            long=pairs.long or ABSENT,
            read=pairs.read,
            decision="learned from labels" if learned else ABSENT,
            key_column=described.key,
            comparisons=dict(zip(described.columns, features.kinds, strict=True)),
            match_weights=fellegi_sunter.shown(described.columns, features.weights),
            model_reads=ABSENT if described.written is None else described.reads,
            **use,
        )


def plan_of(job: Job) -> Plan:
    """The model of a job, which reads pictures where there are any."""
    planned = model_plan.plan if job.images is None else model_plan.plan_of_pictures
    plan = planned(job.model, job.device, job.cache)
    reader_for(plan, job.reader)  # refuse another one before the work
    return plan


def read(
    table: Table, on: list[str], plan: Plan, job: Job, image: str | None = None, confidence: str | None = None
) -> TableRecords:
    """Read the records of a table, with a column of pictures or without."""
    if image is None:
        long_records.check_model(job.long, plan, job.model)
        return TableRecords(table, on, records.read(table, on, long_records.serializer_of(plan, job.long)))
    units = picture_records.read_units(
        table, on, image, plan.serializer, confidence, job.image_root, photo_side=plan.photo_side
    )
    return TableRecords(table, on, units.records, units, image)


def source_of(
    tables: tuple[Table, Table], on: tuple[list[str], list[str]], blocks: Blocks, job: Job
) -> TableSource:
    """Read two tables as a source of candidates."""
    images: tuple[str | None, str | None] = (None, None)
    confidence: tuple[str | None, str | None] = (None, None)
    if job.images is not None:
        images = picture_records.picture_columns(job.images, tables)
    plan = plan_of(job)
    if job.images is not None and job.confidence is not None:
        confidence = picture_records.picture_columns(job.confidence, tables, "confidence")
    left, right = (
        read(table, names, plan, job, image, of_text)
        for table, names, image, of_text in zip(tables, on, images, confidence, strict=True)
    )
    nodes = (
        blocking.nodes(left.texts.text_of_row, blocks.left).in_text_order(left.texts.texts.tolist()),
        blocking.nodes(right.texts.text_of_row, blocks.right).in_text_order(right.texts.texts.tolist()),
    )
    return TableSource((left, right), nodes, plan, job)


def compare(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Scored:
    """The candidates of two tables with match probabilities; warns of pictures that cannot be read."""
    source = source_of(tables, on, block_keys.number(tables, job.block_on), job)
    for text in source.unreadable:
        progress.warn(text)
    return scored(source)


def linked(fused: Fused) -> Integers:
    """The candidates, (n,) int64, that are links by default: one for each left record at most."""
    candidates = fused.candidates
    similarity = np.fmax.reduce(list(candidates.views.values()))
    return choose(candidates.left, candidates.right, fused.score, similarity, "m:1", "auto").pairs
