"""Recipes of what is read from ``landing/``: the sample registry, raw counts, the clinical export. Parsing itself is in the pure rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.recipes import Ask, Check, Output, Recipe, Refused
from hcc_assets.home.files import local_copy
from hcc_assets.home.versions import Bundle, CheckRecord, digest
from hcc_assets.schemas.landing import Samples

if TYPE_CHECKING:
    from hcc_assets.assets.view import HomeView


NO_ERASED_SUBJECT = Check(
    "no_erased_subject",
    "No erased subject was delivered again",
    todo="Tell who sent it, and take the subject out of the delivery; hcc erase does so once more.",
)
"""On what is read from landing: what was erased is not taken in again, and somebody is told that it lies there."""


def _sheet_content(bench: HomeView, _: str | None) -> dict[str, str] | None:
    sheet = bench.landing.sheet
    if sheet.settling or not (sheet.rows or sheet.problems or sheet.refused or sheet.erased):
        return None
    there = {s: bench.landing.samples[s].state in ("ready", "refused") for s in sheet.rows}
    erased = {"erased": sheet.erased} if sheet.erased else {}
    return {
        "samples.csv": digest(
            [vars(r) for r in sheet.rows.values()],
            sheet.problems,
            sheet.refused,
            there | erased,
            sorted(bench.registered),
        )
    }


def _samples(ask: Ask) -> Output:
    landing = ask.bench.landing
    if landing.sheet.refused:
        raise Refused(landing.sheet.refused, code="sample_sheet")
    ready = [
        landing.sheet.rows[s]
        for s in sorted(ask.bench.registered)
        if landing.samples[s].state == "ready" or ask.bench.versions.current("raw_counts", s)
    ]
    table = pd.DataFrame(
        [vars(r) for r in ready], columns=[*Samples.to_schema().columns, "path", "genome"]
    ).drop(columns=["path", "genome"])
    table["tissue"] = table["tissue"].fillna("unknown").replace("", "unknown")
    problems = [f"{where}: {what}" for where, what in landing.sheet.problems]
    if landing.sheet.kept:
        problems.insert(0, f"the earlier rows of {', '.join(sorted(landing.sheet.kept))} stay")
    lost = _lost(ask.bench)
    return Output(
        table=table,
        bundle=Bundle(facts={"rows": [vars(row) for row in ready]}),
        checks=[
            CheckRecord(
                name="rows_are_good",
                passed=not problems,
                severity="WARN",
                affected=len(problems),
                description="; ".join(problems[:6]) or "every row of samples.csv is good",
            ),
            CheckRecord(
                name="no_sample_lost",
                passed=not lost,
                severity="WARN",
                affected=len(lost),
                description=f"no longer in samples.csv and left out of every table: {', '.join(lost[:5])}"
                if lost
                else "every sample read is in samples.csv",
            ),
            no_erased_subject(
                len(landing.sheet.erased),
                f"samples.csv, line {', '.join(map(str, landing.sheet.erased[:6]))}, with its matrix",
            ),
        ],
        metadata={
            "rows_refused": len(problems),
            "waiting_for_matrix": sum(d.state == "incomplete" for d in landing.samples.values()),
        },
    )


def no_erased_subject(affected: int, where: str) -> CheckRecord:
    """Verdict of `NO_ERASED_SUBJECT`: a line may be named, the subject may not."""
    refused = f"an erased subject was delivered again and is not taken: {where}"
    return CheckRecord(
        name=NO_ERASED_SUBJECT.name,
        passed=not affected,
        affected=affected,
        description=refused if affected else "no erased subject was delivered again",
    )


def _lost(bench: HomeView) -> list[str]:
    """Samples that were read and are no longer in the sheet, but for withdrawn and erased ones."""
    absent = [
        s for s in bench.versions.partitions("raw_counts") if s not in bench.landing.sheet.rows
    ]
    gone = bench.erased_of(absent)
    return [s for s in absent if s not in gone]


def _matrix_content(bench: HomeView, sample: str | None) -> dict[str, str] | None:
    delivery = bench.landing.samples.get(sample or "")
    if (
        delivery is None
        or delivery.state not in ("ready", "refused")
        or delivery.id not in bench.registered
    ):
        return None
    if delivery.state == "refused":
        return {delivery.path: delivery.reason}
    genome = bench.landing.sheet.rows[delivery.id].genome
    return delivery.contents | ({"genome": genome} if genome else {})


def _raw_counts(ask: Ask) -> Output:
    from hcc_assets.cells.reading.isolation import read_sample
    from hcc_assets.cells.reading.matrix_files import find_matrix
    from hcc_assets.cells.reading.refused import MatrixRefused

    assert ask.partition is not None
    row = ask.bench.landing.sheet.rows[ask.partition]
    delivery = ask.bench.landing.samples[ask.partition]
    if delivery.state == "refused":
        raise Refused(f"{row.path}: {delivery.reason}", code="delivery")
    landing = ask.bench.home.landing
    with local_copy(landing / row.path) as path:
        root = landing if ask.bench.home.is_local else path.parent
        try:
            counts = read_sample(
                find_matrix(path, row.genome, root=str(root)), row.genome, ask.config
            )
        except MatrixRefused as refusal:
            raise Refused(f"{row.path}: {refusal}", code=refusal.code) from None
    return Output(
        bundle=Bundle(cells={"counts": counts}),
        metadata={
            "barcodes_delivered": int(counts.uns["n_barcodes"]),
            "barcodes": counts.n_obs,
            "genes": counts.n_vars,
            "total_umi": int(counts.X.sum()),
            "raw_matrix": "empty_umi" in counts.var,
        },
    )


def _export_content(bench: HomeView, _: str | None) -> dict[str, str] | None:
    ready: dict[str, str] = {}
    standing = (
        bench.versions.facts("clinical_export")["export_id"]
        if bench.versions.current("clinical_export")
        else None
    )
    for delivery in bench.landing.exports:
        if delivery.id == standing and delivery.state == "settling":
            return None
        if delivery.state in ("ready", "refused"):
            ready |= delivery.contents or {delivery.path: delivery.reason}
    if not ready:
        return None
    accepted = {a["export"]: a["content"] for a in bench.acceptances}
    return (
        ready
        | {f"accepted {k}": v for k, v in accepted.items()}
        | ({"consent": bench.consent} if bench.consent else {})
    )


def _clinical_export(ask: Ask) -> Output:
    from hcc_assets.defs.exports import choose_export

    return choose_export(ask)


LANDING_RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="samples",
        compute=_samples,
        group="landing",
        model=Samples,
        settings=("samples",),
        external=_sheet_content,
        gate=Check(
            "schema",
            "samples.csv can be read and its rows keep the schema",
            blocking=True,
            todo="Correct samples.csv as the message says.",
        ),
        checks=(
            Check(
                "rows_are_good",
                "Every row of samples.csv is good",
                "WARN",
                todo="Correct the named lines of samples.csv.",
            ),
            Check(
                "no_sample_lost",
                "Every sample that was read is still in samples.csv",
                "WARN",
                todo="Put the row back, or leave it out on purpose.",
            ),
            NO_ERASED_SUBJECT,
        ),
        description="Samples whose row and complete matrix were delivered. A bad row of the sheet is left out and told, the others go on.",
        owners=("team:data-management",),
        tags={"layer": "landing"},
    ),
    Recipe(
        name="raw_counts",
        compute=_raw_counts,
        group="landing",
        partitioned=True,
        settings=("single_cell",),
        external=_matrix_content,
        gate=Check(
            "counts_are_counts",
            "The delivery is a matrix of raw counts",
            blocking=True,
            todo="Ask the sequencing core for the raw count matrix.",
        ),
        description="Raw UMI counts of one sample as delivered, parsed once. The delivery is judged in a process of its own before anything is stored.",
        kinds=("python", "anndata"),
        owners=("team:bioinformatics",),
        tags={"layer": "landing"},
        keep=1,
    ),
    Recipe(
        name="clinical_export",
        compute=_clinical_export,
        group="landing",
        uses_cutoff=False,
        settings=("study", "treatment", "aliases", "holding", "recist"),
        external=_export_content,
        gate=Check(
            "export_accepted",
            "The newest clinical export was taken",
            blocking=True,
            todo="Correct the export, or release it with hcc accept.",
        ),
        checks=(
            Check(
                "tables_taken",
                "Every table of the export could be read",
                todo="Correct the named file and send the export again.",
            ),
            Check(
                "newest_export_taken",
                "The export that stands is the newest one",
                todo="Correct the newer export, or release it with hcc accept.",
            ),
            Check(
                "history_unchanged",
                "Earlier rows are as they were in the export before",
                "WARN",
                todo="Look at the difference; nothing to do when it was meant.",
            ),
            NO_ERASED_SUBJECT,
        ),
        description="The clinical export that stands, read and judged table by table. An export that shrinks or rewrites history is held until accepted.",
        owners=("team:data-management",),
        tags={"layer": "landing"},
    ),
)
