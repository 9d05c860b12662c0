"""The versioned model that labels cells: provisional, then frozen until it is rebuilt on
request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, Refused, Verdict, asset
from hcc_assets.assets.inputs import AllOf, Basis, Input, Node, Version, VersionOf, View
from hcc_assets.catalogue._told import told
from hcc_assets.catalogue.annotations import LabelMapFile
from hcc_assets.catalogue.single_cell._quality import quality_of
from hcc_assets.catalogue.sources import LabelledCells
from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.manifests import Bundle
from hcc_assets.schemas.reference import ReferenceSummary
from hcc_assets.study.config import StudyConfig

READS = ("qc_cells", "raw_counts")


@dataclass(frozen=True)
class Teacher:
    """One sample that the reference is taught with: row, quality, and how to get its counts."""

    row: SampleRow
    qc_cells: Version
    raw_counts: Callable[[], Any]


@dataclass(frozen=True)
class Teachers(Input):
    """The samples that a reference without labels is built from.

    Those collected first that together allow freezing (`cells.reference.freezing`); while they
    do not, the first 1, 2, 4, 8, …; all when a rebuild was asked for; none where labels are
    delivered. A frozen reference stays whatever arrives.
    """

    @property
    def assets(self) -> tuple[str, ...]:
        return READS

    def settled(self, view: View) -> bool:
        manifest = view.versions.current("annotation_reference")
        provisional = manifest is None or str(
            manifest.notes.get("version", "provisional")
        ).startswith("provisional")
        if manifest is None or provisional:
            return False
        asked = view.rebuild_asked
        return asked is None or manifest.at.isoformat() > asked

    def _labelled(self, view: View) -> bool:
        return LabelledCells().delivery(view) is not None

    def _prefix(self, view: View, keys: Iterable[str]) -> list[str] | None:
        """Keys of the shortest run of the samples, by collection, that allows freezing."""
        from hcc_assets.cells.reference.freezing import freezing_prefix

        order = view.by_collection(keys)
        seeds = [view.versions.frame("qc_cells", "seeds", k).assign(sample_id=k) for k in order]
        if not seeds:
            return None
        return freezing_prefix(pd.concat(seeds, ignore_index=True), order, view.config)

    def _chosen(self, view: View) -> list[str]:
        if self._labelled(view):
            return []
        standing = view.by_collection(view.standing("qc_cells"))
        if view.rebuild_asked is not None:
            return standing
        return self._prefix(view, standing) or self._provisional(view, standing)

    def _provisional(self, view: View, order: list[str]) -> list[str]:
        from hcc_assets.cells.reference.freezing import provisional_prefix

        cells = {
            key: int(str(manifest.notes["cells"]))
            for key in order
            if (manifest := view.versions.current("qc_cells", key)) is not None
        }
        return provisional_prefix(cells, order)

    def nodes(self, view: View, key: str | None) -> Iterable[Node]:
        if self._labelled(view):
            return ()
        waiting = [k for k in view.keys if view.versions.current("qc_cells", k) is None]
        chosen = list(view.keys)
        if view.rebuild_asked is None:
            prefix = self._prefix(view, view.standing("qc_cells"))
            # nobody who waits was collected earlier: those who come later cannot change it
            if prefix and view.by_collection({*prefix, *waiting})[: len(prefix)] == prefix:
                chosen = prefix
        return tuple((asset, k) for asset in READS for k in chosen)

    def first(self, view: View, waiting: set[str]) -> set[str] | None:
        """The earliest samples, some at a time, until they allow freezing."""
        number = max(view.config.single_cell.reference_min_samples, len(view.standing("qc_cells")))
        return set(view.by_collection(waiting)[:number])

    def basis(self, view: View, key: str | None) -> Basis | None:
        chosen = self._chosen(view)
        versions = {
            f"{asset}/{k}": manifest.data_version
            for asset in READS
            for k in chosen
            if (manifest := view.versions.current(asset, k)) is not None
        }
        rows = {f"samples.csv, subject of {k}": view.people.key(view.rows[k]) for k in chosen}
        asked = {"rebuild asked": view.rebuild_asked} if view.rebuild_asked else {}
        return Basis(versions, rows | asked)

    def value(self, view: View, key: str | None) -> list[Teacher]:
        quality = AllOf("qc_cells").value(view, None)
        return [
            Teacher(
                view.rows[k],
                quality[view.rows[k].sample_id],
                partial(_counts, view, k),
            )
            for k in self._chosen(view)
        ]


def _counts(view: View, key: str) -> Any:
    return VersionOf("raw_counts").value(view, key).cells("counts")


@asset(
    model=ReferenceSummary,
    settings=("single_cell.reference_min_samples",),
    gate=Gate(title="The reference was built and its summary keeps the schema"),
    kinds=("python", "numpy"),
    owners=("team:bioinformatics",),
    layer="cells",
)
def annotation_reference(
    teachers: Annotated[list[Teacher], Teachers()],
    labelled: Annotated[Any, LabelledCells()],
    label_map: Annotated[Any, LabelMapFile(with_labels=True)],
    config: StudyConfig,
) -> Output:
    """The versioned model that labels cells. Provisional until enough samples and seed cells
    exist, then frozen until rebuilt on request."""
    from hcc_assets.cells.reference.building import build_reference
    from hcc_assets.cells.reference.labels import LabelsRefused, with_our_classes
    from hcc_assets.cells.reference.model import reference_summary
    from hcc_assets.cells.reference.teaching import SampleInput

    def load(teacher: Teacher) -> tuple[Any, Any]:
        return teacher.raw_counts(), quality_of(teacher.qc_cells)

    inputs = [
        SampleInput(t.row.sample_id, partial(load, t), subject_id=t.row.subject_id)
        for t in teachers
    ]
    left_out: dict[str, int] = {}
    try:
        if labelled is not None:
            labelled, left_out = with_our_classes(labelled, label_map.classes)
        reference = build_reference(inputs, config, labelled=labelled)
    except LabelsRefused as refusal:
        raise Refused(f"landing/reference: {refusal}", code="labels_refused") from None
    return Output(
        table=reference_summary(reference),
        bundle=Bundle(
            blobs={"reference.parquet": reference.to_parquet_bytes()},
            facts={"left_out": left_out},
        ),
        metadata={"version": reference.version, "samples_used": len(inputs)},
    )


@annotation_reference.check(
    severity="WARN", todo="Map the label in landing/annotations/label_map.csv, or leave it out."
)
def labels_known(output: Output) -> Verdict:
    """Every label of a delivered reference is a class of ours or mapped to one"""
    left_out = output.bundle.facts["left_out"]
    sentences = [f"{n} cells labelled {label[:40]!r} are left out" for label, n in left_out.items()]
    return told(sentences, "every label is known")
