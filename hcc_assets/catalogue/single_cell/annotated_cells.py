"""Class, confidence and final QC status of every barcode of one sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, Refused, Verdict, asset
from hcc_assets.assets.inputs import BySample, Earlier, Version
from hcc_assets.catalogue._told import told
from hcc_assets.catalogue.annotations import CurationFile, OtherCalls
from hcc_assets.catalogue.single_cell._given import given_calls
from hcc_assets.catalogue.single_cell._quality import quality_of
from hcc_assets.home.landing.sample_sheet import SampleRow
from hcc_assets.home.manifests import Bundle
from hcc_assets.study.classes import CELL_CLASSES
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from hcc_assets.cells.reference.model import Reference

UNASSIGNED_LIMIT = 0.10
"""Share of unassigned cells above which a person should look (SINGLE_CELL.md, 2.4.4)."""


@asset(
    per_sample=True,
    settings=(
        "single_cell.annotator",
        "single_cell.confidence",
        "single_cell.min_cells_per_sample",
    ),
    gate=Gate("calls_made", "Every barcode has a class, a confidence and a QC status"),
    kinds=("python", "anndata"),
    owners=("team:bioinformatics",),
    layer="cells",
    keep=1,
)
def annotated_cells(
    raw_counts: Version,
    qc_cells: Version,
    annotation_reference: Version,
    sample: SampleRow,
    earlier: Annotated[BySample, Earlier("annotated_cells")],
    others: Annotated[Any, OtherCalls()],
    curation: Annotated[Any, CurationFile()],
    config: StudyConfig,
) -> Output:
    """Class, confidence and final QC status of every barcode of one sample. Labelled by the
    reference, or by the annotator that the study chose, and corrected by people; an added sample
    changes no earlier call."""
    from hcc_assets.cells.calling.annotation import annotate
    from hcc_assets.cells.pseudobulk import soft_counts
    from hcc_assets.cells.quality.assessment import summary_row

    reference, quality = _reference(annotation_reference), quality_of(qc_cells)
    annotation = annotate(
        raw_counts.cells("counts"),
        quality,
        reference,
        config,
        sample_id=sample.sample_id,
        subject_profiles=[_profile(v, s) for s, v in earlier.items() if v.has("profile")],
    )
    annotator = config.single_cell.annotator
    given = given_calls(annotation.calls, others, curation, sample.sample_id, annotator)
    calls = given.calls
    good = calls[calls["qc_status"] == "pass"]
    unassigned = int((good["cell_class"] == "unassigned").sum())
    summary = summary_row(
        sample.sample_id,
        quality,
        config,
        status=calls["qc_status"],
        subject_id=sample.subject_id,
        timepoint=sample.timepoint,
    )
    counts = soft_counts(calls, annotation.shares, reference.calibration, annotation.blind_shares)
    frames = {"calls": calls, "counts": counts, "summary": pd.DataFrame([summary])}
    frames["posteriors"] = pd.DataFrame(
        annotation.shares.astype("float32"), columns=list(CELL_CLASSES)
    )
    frames |= given.frames
    if annotation.profile is not None:
        profile = annotation.profile.rename("value").rename_axis("bin")
        frames["profile"] = profile.reset_index()
    if annotation.malignancy is not None:
        frames["heat"] = annotation.malignancy.heat.rename_axis("row").reset_index()
    return Output(
        bundle=Bundle(frames=frames, facts={"reference_version": reference.version, **given.facts}),
        acts=given.acts,
        metadata={
            "cells_passed": len(good),
            "unassigned": unassigned,
            "unassigned_percent": round(100 * unassigned / len(good), 2) if len(good) else 0.0,
            "reference_version": reference.version,
            "call_sources": ", ".join(
                f"{n} {source}" for source, n in calls["call_source"].value_counts().items()
            ),
        },
    )


@annotated_cells.check(
    severity="WARN", todo="Look at the sample: tissue, chemistry, a class not foreseen."
)
def few_unassigned(output: Output) -> Verdict:
    """At most a tenth of the cells is unassigned"""
    passed, unassigned = output.metadata["cells_passed"], output.metadata["unassigned"]
    share = unassigned / passed if passed else 0.0
    text = (
        f"{100 * share:.1f} % of the cells that pass are unassigned "
        f"(limit {100 * UNASSIGNED_LIMIT:.0f} %)"
    )
    return Verdict(share <= UNASSIGNED_LIMIT, text, unassigned)


@annotated_cells.check(
    severity="WARN", todo="Correct the line in landing/annotations/curation.csv."
)
def corrections_apply(output: Output) -> Verdict:
    """Every line of curation.csv about this sample is applied"""
    return told(output.bundle.facts["curation_problems"], "every line is applied")


@annotated_cells.check(
    severity="WARN", todo="Complete the tool's file, or map its labels in label_map.csv."
)
def tool_calls_used(output: Output) -> Verdict:
    """The annotator that was chosen knows the cells, and its labels are known"""
    return told(output.bundle.facts["tool_problems"], "nothing was left out")


@annotated_cells.figure
def copy_number_figure(
    output: Output,
    sample: SampleRow,
    earlier: Annotated[BySample, Earlier("annotated_cells")],
) -> Mapping[str, Any]:
    """Copy-number profile of the subject until this sample."""
    from hcc_assets.figures.copy_number import copy_number_heatmap

    if "heat" not in output.bundle.frames:
        return {}
    heats = {s: v.frame("heat") for s, v in earlier.items() if v.has("heat")}
    heats |= {sample.sample_id: output.bundle.frames["heat"]}
    who = sample.subject_id
    figure = copy_number_heatmap(
        {s: frame.set_index("row") for s, frame in heats.items()},
        title=f"Copy-number profile of {who}",
    )
    return {f"copy_number_{who}": figure}


def _reference(annotation_reference: Version) -> Reference:
    from hcc_assets.cells.reference.model import Reference, ReferenceOutdated

    try:
        return Reference.from_parquet_bytes(annotation_reference.blob("reference.parquet"))
    except ReferenceOutdated as outdated:
        reason = f"{outdated}; run: hcc reference rebuild --reason …"
        raise Refused(reason, code="reference_outdated", quarantine=False) from None


def _profile(earlier: Version, sample: str) -> pd.Series:
    """Malignant profile of an earlier sample: what was learned before treatment serves after."""
    frame = earlier.frame("profile")
    return pd.Series(frame["value"].to_numpy(), index=frame["bin"].to_numpy(), name=sample)
