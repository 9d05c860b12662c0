"""What an outcome says in Dagster's words: check results, metadata, figures."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from hcc_assets.assets.attempts import Outcome
from hcc_assets.assets.definition import Asset
from hcc_assets.home.manifests import CheckRecord, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.schemas.base import columns

FIGURE_LIMIT = 100_000
"""Bytes of PNG that go into the event log at the most (DAGSTER.md: below 200 kB); the file itself
is under ``published/figures``."""
PEOPLE = frozenset({"USUBJID", "subject_id", "sample_id"})
"""Columns by which a table tells people apart."""
_SEVERITY = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}


@dataclass(frozen=True)
class CheckTold:
    """One verdict as the Checks tab shows it."""

    name: str
    passed: bool
    severity: dg.AssetCheckSeverity
    description: str
    metadata: dict[str, Any]

    def to_result(self) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=self.passed,
            check_name=self.name,
            severity=self.severity,
            description=self.description,
            metadata=self.metadata,
        )

    def to_evaluation(self, asset: str, key: str | None) -> dg.AssetCheckEvaluation:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.PreviewWarning)
            return dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(asset),
                check_name=self.name,
                passed=self.passed,
                severity=self.severity,
                description=self.description,
                metadata=self.metadata,
                blocking=False,
                partition=key,
            )


def told_checks(asset: Asset, outcome: Outcome) -> Iterator[CheckTold]:
    """Evaluations of an attempt that made no version."""
    manifest = outcome.manifest
    if outcome.state == "fresh" and manifest is not None:
        known = {check.name for check in (asset.gate, *asset.checks)}
        yield from (check_told(asset, r, manifest) for r in manifest.checks if r.name in known)
    elif outcome.state in ("held", "failed"):
        judged = {record.name for record in outcome.checks}
        yield from (check_told(asset, record, manifest) for record in outcome.checks)
        for check in asset.checks:
            if check.name not in judged:
                yield not_judged(check.name, manifest)


def check_told(asset: Asset, record: CheckRecord, stands: Manifest | None) -> CheckTold:
    """What the Checks tab shows: the sentence, what to do about it, and, where a value was
    refused, which version stands."""
    metadata: dict[str, Any] = dict(record.details)
    if record.name != asset.gate.name:
        metadata["affected"] = record.affected
    if not record.passed:
        known = {check.name: check.todo for check in (asset.gate, *asset.checks)}
        if todo := known.get(record.name):
            metadata["what to do"] = todo
        if record.name == asset.gate.name:
            metadata["what stands"] = _stands(stands)
    severity = _SEVERITY[record.severity]
    return CheckTold(record.name, record.passed, severity, record.description, metadata)


def not_judged(name: str, stands: Manifest | None) -> CheckTold:
    """A planned check of a value that was refused before: its status is that of what stands."""
    before = next((r for r in (stands.checks if stands else []) if r.name == name), None)
    text = "not judged: the new value was refused before"
    return CheckTold(
        name,
        passed=before.passed if before else True,
        severity=_SEVERITY[before.severity] if before else dg.AssetCheckSeverity.WARN,
        description=f"{text}. What stands: {before.description}" if before else text,
        metadata={"status": "not judged", "what stands": _stands(stands)},
    )


def _stands(manifest: Manifest | None) -> str:
    if manifest is None:
        return "nothing: there is no earlier version"
    return f"the version of {manifest.at:%-d %B %Y %H:%M} UTC"


def manifest_metadata(asset: Asset, manifest: Manifest, home: Home) -> dict[str, Any]:
    """What the asset's page and its plots show of a version: rows, cost, where it is published."""
    found: dict[str, Any] = {"seconds": manifest.seconds, "peak_mb": manifest.peak_mb}
    if manifest.rows is not None:
        found["dagster/row_count"] = manifest.rows
    if asset.per_sample:  # what is published of a sample is named after its subject
        return found
    first = next(iter(manifest.published), None)
    table = f"{asset.name}.parquet"
    main = table if table in manifest.published else first
    if main in manifest.published:
        found["dagster/uri"] = str(home.published / str(main))
    return found


def figure_metadata(asset: Asset, outcome: Outcome) -> dict[str, Any]:
    """Pictures for the event log, which nobody can be taken out of: only of a table without a
    column of subjects or samples. The others are under ``published/figures``."""
    if asset.model is None or PEOPLE & set(columns(asset.model)):
        return {}
    found = {}
    for name, data in outcome.figures.items():
        if name.endswith(".png") and len(data) <= FIGURE_LIMIT:
            title = name.removeprefix("figures/").removesuffix(".png")
            picture = base64.b64encode(data).decode()
            found[f"figure {title}"] = dg.MetadataValue.md(
                f"![{title}](data:image/png;base64,{picture})"
            )
    return found
