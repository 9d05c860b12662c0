"""Which clinical export stands: read, compare with the one before, take or hold. Reading and comparing are in ``hcc_assets.clinical``."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.assets.recipes import Ask, Output, Refused, SetAside
from hcc_assets.defs.landing import no_erased_subject
from hcc_assets.home.files import local_copy
from hcc_assets.home.people.subject_keys import canonical_subject
from hcc_assets.home.versions import Bundle, CheckRecord

if TYPE_CHECKING:
    from hcc_assets.clinical.reading.exports import Export
    from hcc_assets.home.landing.deliveries import Delivery


def export_date(export_id: str) -> dt.date | None:
    """The date that an export id begins with (``2026-11-22`` or ``20261122``), if any."""
    match = re.match(r"(\d{4})-?(\d{2})-?(\d{2})", export_id)
    if not match:
        return None
    try:
        return dt.date(*(int(g) for g in match.groups()))
    except ValueError:
        return None


def choose_export(ask: Ask) -> Output:
    """Take the newest export that can be taken.

    From the newest to older ones; a candidate is compared with the export that stands, or with the next older readable one. When the one that stands
    is reached, nothing is replaced and the reasons of the newer ones are told.

    Raises
    ------
    Refused
        No candidate could be taken in place of what stands.
    """
    current = ask.bench.versions.current("clinical_export")
    standing = dict(ask.bench.versions.facts("clinical_export")) if current else {}
    aside: list[SetAside] = []
    candidates = sorted(
        (d for d in ask.bench.landing.exports if d.state in ("ready", "refused")),
        key=lambda d: d.id,
        reverse=True,
    )
    for i, delivery in enumerate(candidates):
        if standing and delivery.id < str(standing["export_id"]):
            break
        if delivery.state == "refused":
            aside.append(_aside(delivery, "refused", delivery.reason))
            continue
        export = _read(ask, delivery)
        if (
            standing
            and delivery.id == str(standing["export_id"])
            and export.files == standing["files"]
        ):
            if aside and _same(ask, export, standing):
                break
            return _output(
                ask,
                delivery,
                export,
                _stored_changes(ask),
                aside,
                str(standing["compared_with"]),
                _stored_export(ask, standing)[0],
            )
        previous, label = (
            _stored_export(ask, standing) if standing else _older(ask, candidates[i + 1 :])
        )
        problem, code, changes = _judge(ask, delivery, export, previous, label)
        if not problem:
            return _output(ask, delivery, export, changes, aside, label, previous)
        aside.append(_aside(delivery, code, problem))
    gone = (
        f"export {standing['export_id']} stands and is no longer in landing/clinical"
        if standing
        else "no clinical export could be taken"
    )
    erased = _naming_erased(ask)
    raise Refused(
        "; ".join(a.reason for a in aside) or gone,
        code=aside[0].code if aside else "gone",
        checks=(no_erased_subject(len(erased), ", ".join(erased[-3:])),) if erased else (),
        set_aside=tuple(aside),
    )


def _aside(delivery: Delivery, code: str, reason: str) -> SetAside:
    return SetAside(delivery.id, code, f"{delivery.path}: {reason}", delivery.contents)


def _same(ask: Ask, export: Export, standing: dict[str, Any]) -> bool:
    """True when the export reads as it did when it was taken."""
    before, _ = _stored_export(ask, {**standing, "carried": {}})
    same_tables = set(before.tables) == set(export.tables) and all(
        before.tables[n].equals(export.tables[n]) for n in before.tables
    )
    return same_tables and before.refused == export.refused and before.issues.equals(export.issues)


def _stored_changes(ask: Ask) -> pd.DataFrame | None:
    manifest = ask.bench.versions.require("clinical_export")
    stored = any(name.endswith("/changes.parquet") for name in manifest.files)
    return ask.bench.versions.frame("clinical_export", "changes") if stored else None


def _read(ask: Ask, delivery: Delivery) -> Export:
    return without_consent(ask, _delivered(ask, delivery))


def _delivered(ask: Ask, delivery: Delivery) -> Export:
    from hcc_assets.clinical.reading.exports import read_export

    with local_copy(ask.bench.home.landing / delivery.path) as folder:
        return read_export(
            folder, ask.config, cutoff=ask.config.study.data_cutoff or export_date(delivery.id)
        )


def _naming_erased(ask: Ask) -> list[str]:
    """Exports of any age that hold rows of erased subjects; none are read where nobody was erased."""
    if not ask.bench.home.tombstones_json.exists():
        return []
    found = []
    for delivery in ask.bench.landing.exports:
        tables = _delivered(ask, delivery).tables.values() if delivery.state == "ready" else ()
        if ask.bench.erased_of({s for frame in tables for s in frame["USUBJID"].unique()}):
            found.append(delivery.path)
    return sorted(found)


_DATED = {
    "exposure": "EXSTDT",
    "tumour_assessments": "TRDT",
    "disposition": "DSSTDT",
    "adverse_events": "AESTDT",
    "reported_responses": "RSDT",
}


def without_consent(ask: Ask, export: Export) -> Export:
    """The export without erased subjects and without what was recorded of withdrawn ones from their date on."""
    bench = ask.bench
    if not bench.consent:
        return export
    tables = {}
    for name, frame in export.tables.items():
        people = {s: canonical_subject(s) for s in frame["USUBJID"].unique()}
        erased = bench.erased_of(people)
        until = pd.to_datetime(frame["USUBJID"].map(people).map(bench.withdrawn))
        kept = frame[
            ~frame["USUBJID"].isin(erased)
            & ~((frame[_DATED[name]] >= until) if name in _DATED else False)
        ]
        if name == "subjects":
            kept = kept.copy()
            late = kept["DTHDT"] >= until.loc[kept.index]
            kept.loc[late, ["DTHDTC", "DTHDTF", "DTHFL"]] = None
            kept.loc[late, "DTHDT"] = pd.NaT
        tables[name] = kept.reset_index(drop=True)
        tables[name].attrs = frame.attrs
    issues = export.issues[
        ~export.issues["subject_id"].isin(
            bench.erased_of(set(export.issues["subject_id"].dropna()))
        )
    ]
    return replace(export, tables=tables, issues=issues.reset_index(drop=True))


def _older(ask: Ask, candidates: list[Delivery]) -> tuple[Export | None, str]:
    for delivery in candidates:
        if delivery.state == "ready":
            export = _read(ask, delivery)
            if "subjects" in export.tables and "exposure" in export.tables:
                return export, delivery.id
    return None, ""


def _stored_export(ask: Ask, standing: dict[str, Any]) -> tuple[Export, str]:
    from hcc_assets.clinical.reading.exports import Export

    carried = standing.get("carried", {})
    tables = {
        name: ask.bench.versions.frame("clinical_export", name) for name in standing["tables"]
    }
    tables |= {
        name: ask.bench.versions.frame("clinical_export", f"carried_{name}") for name in carried
    }
    issues = ask.bench.versions.frame("clinical_export", "issues")
    export = Export(
        tables=tables,
        issues=issues,
        refused=dict(standing["refused"]),
        files=dict(standing["files"]),
        absent={table: frozenset(names) for table, names in standing["absent"].items()},
        delivered={domain: tuple(names) for domain, names in standing["delivered"].items()},
    )
    return without_consent(ask, export), str(standing["export_id"])


def _judge(
    ask: Ask, delivery: Delivery, export: Export, previous: Export | None, label: str
) -> tuple[str, str, pd.DataFrame | None]:
    from hcc_assets.clinical.holding.verdict import compare_exports

    needed = [d for d in ("subjects", "exposure") if d not in export.tables]
    if needed and previous is None:
        return (
            "; ".join(f"{k}: {v}" for k, v in sorted(export.refused.items()))
            or f"{' and '.join(needed)} could not be read",
            "refused",
            None,
        )
    if previous is None:
        return "", "", None
    verdict = compare_exports(
        previous, export, ask.config, responses=_responses(ask, previous, export)
    )
    accepted = any(
        a["export"] == delivery.id and a["content"] == delivery.content
        for a in ask.bench.acceptances
    )
    if verdict.held and not accepted:
        rules = "; ".join(str(r) for r in verdict.reasons)
        return (
            f"held against export {label}: {rules}. Release it with: hcc accept {delivery.id} --reason …",
            "held",
            None,
        )
    return "", "", verdict.changes


def _responses(
    ask: Ask, previous: Export, export: Export
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Responses derived from both exports, so that a progression cannot vanish unseen."""
    from hcc_assets.clinical.recist.responses import derive_responses

    needed = ("subjects", "tumour_assessments")
    if not all(t in e.tables for e in (previous, export) for t in needed):
        return None
    before, after = (
        derive_responses(e.tables["subjects"], e.tables["tumour_assessments"], ask.config)
        for e in (previous, export)
    )
    return before, after


def _output(
    ask: Ask,
    delivery: Delivery,
    export: Export,
    changes: pd.DataFrame | None,
    aside: list[SetAside],
    compared: str,
    previous: Export | None,
) -> Output:
    """The version of the export that is taken.

    A table that was refused leaves its last good form in the bundle (``carried_…``): the next export is compared with that, so that nothing is lost
    unseen behind a refusal.
    """
    reasons = [a.reason for a in aside]
    cutoff = ask.config.study.data_cutoff or export_date(delivery.id) or ask.bench.now.date()
    frames = dict(export.tables) | {"issues": export.issues}
    if changes is not None:
        frames["changes"] = changes
    carried = (
        {n: f for n, f in previous.tables.items() if n not in export.tables}
        if previous is not None
        else {}
    )
    frames |= {f"carried_{name}": frame for name, frame in carried.items()}
    earlier = (
        {d: names for d, names in previous.delivered.items() if d in export.refused}
        if previous is not None
        else {}
    )
    changed = 0 if changes is None else len(changes)
    facts = {
        "export_id": delivery.id,
        "path": delivery.path,
        "cutoff": cutoff.isoformat(),
        "tables": sorted(export.tables),
        "refused": export.refused,
        "files": export.files,
        "absent": {table: sorted(names) for table, names in export.absent.items()},
        "delivered": {
            domain: list(names) for domain, names in (earlier | export.delivered).items()
        },
        "carried": sorted(carried),
        "compared_with": compared,
    }
    refused = [f"{domain}: {reason}" for domain, reason in sorted(export.refused.items())]
    erased = _naming_erased(ask)
    tables_aside = [
        SetAside(
            f"{delivery.id}-{domain}",
            "table_refused",
            f"{delivery.path}, {domain}: {reason}",
            {
                path: sha
                for path, sha in delivery.contents.items()
                if PurePosixPath(path).stem.strip().lower() == domain
            },
        )
        for domain, reason in sorted(export.refused.items())
    ]
    return Output(
        bundle=Bundle(frames=frames, facts=facts),
        checks=[
            CheckRecord(
                name="tables_taken",
                passed=not refused,
                affected=len(refused),
                description="; ".join(refused) or "every table of the export was read",
            ),
            CheckRecord(
                name="newest_export_taken",
                passed=not reasons,
                affected=len(reasons),
                description="; ".join(reasons) or "the newest export stands",
            ),
            CheckRecord(
                name="history_unchanged",
                passed=changed == 0,
                severity="WARN",
                affected=changed,
                description=f"{changed} differences to export {compared}"
                if compared
                else "there is no earlier export",
            ),
            no_erased_subject(len(erased), ", ".join(erased[-3:])),
        ],
        metadata={"export_id": delivery.id, "tables_refused": len(refused), "differences": changed},
        set_aside=[*aside, *tables_aside],
    )
