"""``hcc validate``: judge one delivery without a home. The judging itself is in the pure rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hcc_assets.schemas.base import records
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.sdtm_variables import DOMAINS

_TABLES = (".csv", ".xlsx", ".xpt", ".sas7bdat", ".parquet", ".json", ".ndjson")


def judge(path: Path, config: StudyConfig, *, genome: str | None = None) -> dict[str, Any]:
    """What kind of delivery ``path`` is, whether it would be accepted, and every message.

    Returns
    -------
    dict
        ``path, kind, accepted, messages`` and, for clinical deliveries, ``issues`` by check.
    """
    if path.name == "samples.csv":
        return _sheet(path, config)
    if path.is_file() and path.suffix.lower() in _TABLES:
        return _clinical(path, config, [path.stem.lower()])
    names = (
        [p.stem.lower() for p in path.iterdir() if p.suffix.lower() in _TABLES]
        if path.is_dir()
        else []
    )
    if any(n in DOMAINS for n in names):
        return _clinical(path, config, names)
    return _matrix(path, genome)


def _sheet(path: Path, config: StudyConfig) -> dict[str, Any]:
    from hcc_assets.home.landing.sample_sheet import read_sample_sheet

    sheet = read_sample_sheet(path.read_bytes(), config)
    messages = (
        [sheet.refused] if sheet.refused else [f"{where}: {what}" for where, what in sheet.problems]
    )
    return {
        "path": str(path),
        "kind": "sample sheet",
        "accepted": not messages,
        "messages": messages or [f"{len(sheet.rows)} samples"],
    }


def _matrix(path: Path, genome: str | None) -> dict[str, Any]:
    from hcc_assets.cells.reading.isolation import read_counts_isolated
    from hcc_assets.cells.reading.matrix_files import find_matrix
    from hcc_assets.cells.reading.refused import MatrixRefused

    try:
        counts = read_counts_isolated(find_matrix(path, genome), genome)
    except MatrixRefused as refusal:
        return {
            "path": str(path),
            "kind": "matrix",
            "accepted": False,
            "code": refusal.code,
            "messages": [str(refusal)],
        }
    text = f"{counts.n_obs} barcodes, {counts.n_vars} genes, {int(counts.X.sum())} UMIs"
    return {"path": str(path), "kind": "matrix", "accepted": True, "messages": [text]}


def _clinical(path: Path, config: StudyConfig, names: list[str]) -> dict[str, Any]:
    from hcc_assets.clinical.checks.run import run_checks
    from hcc_assets.clinical.reading.exports import read_export, validate_file
    from hcc_assets.clinical.reading.files.apart import read_apart
    from hcc_assets.home.landing.deliveries import export_date

    if path.is_file():
        issues, reason = validate_file(path, config, read=read_apart)
        refused = {names[0]: reason} if reason else {}
    else:
        cutoff = config.study.data_cutoff or export_date(path.name)
        export = read_export(path, config, cutoff=cutoff, read=read_apart)
        refused = dict(export.refused)
        issues = export.issues
        if cutoff is not None:
            import pandas as pd

            issues = pd.concat(
                [issues, run_checks(export.tables, config, cutoff=cutoff)], ignore_index=True
            )
    messages = [f"{domain}: {reason}" for domain, reason in sorted(refused.items())]
    messages += [
        f"{r.severity} {r.check_id}{f' {r.subject_id}' if r.subject_id else ''}: {r.message}"
        for r in records(issues)
    ]
    counts = {str(k): int(v) for k, v in issues["check_id"].value_counts().items()}
    return {
        "path": str(path),
        "kind": "clinical",
        "accepted": not refused,
        "messages": messages,
        "issues": counts,
    }
