"""Which clinical export stands: compared with the one before, taken or held."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd

from hcc_assets.assets.definition import Gate, Output, Refused, SetAside, Verdict, asset
from hcc_assets.assets.inputs import Standing, Version
from hcc_assets.catalogue.landing._erased import NO_ERASED_TODO, erased_verdict
from hcc_assets.catalogue.landing._exports import ClinicalExports, Exports
from hcc_assets.home.landing.deliveries import Delivery, export_date
from hcc_assets.home.manifests import Bundle, CheckRecord
from hcc_assets.study.config import StudyConfig

if TYPE_CHECKING:
    from hcc_assets.clinical.reading.exports import Export

NEEDED = ("subjects", "exposure")
"""Tables without which an export says nothing about anybody."""


@dataclass(frozen=True)
class _Chosen:
    """The export that is taken, against what it was compared with."""

    delivery: Delivery
    export: Export
    changes: pd.DataFrame | None
    aside: tuple[SetAside, ...]
    compared: str
    previous: Export | None


@asset(
    settings=("study.data_cutoff", "treatment", "therapy", "aliases", "holding", "recist"),
    gate=Gate(
        "export_accepted",
        "The newest clinical export was taken",
        "Correct the export, or release it with hcc accept.",
    ),
    owners=("team:data-management",),
    layer="landing",
)
def clinical_export(
    exports: Annotated[Exports, ClinicalExports()],
    stands: Annotated[Version | None, Standing("clinical_export")],
    config: StudyConfig,
) -> Output:
    """The clinical export that stands, read and judged table by table. An export that shrinks or
    rewrites history is held until accepted."""
    return _output(_choose(exports, stands, config), exports, config)


@clinical_export.check(todo="Correct the named file and send the export again.")
def tables_taken(output: Output) -> Verdict:
    """Every table of the export could be read"""
    refused = output.bundle.facts["refused"]
    text = "; ".join(f"{domain}: {reason}" for domain, reason in sorted(refused.items()))
    return Verdict(not refused, text or "every table of the export was read", len(refused))


@clinical_export.check(todo="Correct the newer export, or release it with hcc accept.")
def newest_export_taken(output: Output) -> Verdict:
    """The export that stands is the newest one"""
    reasons = output.bundle.facts["newer"]
    text = "; ".join(reasons) or "the newest export stands"
    return Verdict(not reasons, text, len(reasons))


@clinical_export.check(
    severity="WARN", todo="Look at the difference; nothing to do when it was meant."
)
def history_unchanged(output: Output) -> Verdict:
    """Earlier rows are as they were in the export before"""
    changed, compared = output.metadata["differences"], output.bundle.facts["compared_with"]
    text = f"{changed} differences to export {compared}"
    return Verdict(not changed, text if compared else "there is no earlier export", changed)


@clinical_export.check(todo=NO_ERASED_TODO)
def no_erased_subject(
    exports: Annotated[Exports, ClinicalExports()], config: StudyConfig
) -> Verdict:
    """No erased subject was delivered again"""
    found = exports.naming_erased(config)
    return erased_verdict(len(found), ", ".join(found[-3:]))


def _choose(exports: Exports, stands: Version | None, config: StudyConfig) -> _Chosen:
    """Take the newest export that can be taken.

    From the newest to older ones; a candidate is compared with the export that stands, or with
    the next older readable one. When the one that stands is reached, nothing is replaced and the
    reasons of the newer ones are told.

    Raises
    ------
    Refused
        No candidate could be taken in place of what stands.
    """
    standing = dict(stands.facts) if stands else {}
    aside: list[SetAside] = []
    for i, delivery in enumerate(exports.candidates):
        if standing and delivery.id < str(standing["export_id"]):
            break
        if delivery.state == "refused":
            aside.append(_aside(delivery, "refused", delivery.reason))
            continue
        export = exports.read(delivery, config)
        again = bool(standing) and delivery.id == str(standing["export_id"])
        if stands and again and export.files == standing["files"]:
            if aside and _same(export, stands):
                break
            changes = stands.frame("changes") if stands.has("changes") else None
            compared = str(standing["compared_with"])
            stored = _stored(exports, stands)
            return _Chosen(delivery, export, changes, tuple(aside), compared, stored)
        previous, label = _compared_with(exports, stands, i, config)
        problem, code, changes = _judge(exports, delivery, export, previous, label, config)
        if not problem:
            return _Chosen(delivery, export, changes, tuple(aside), label, previous)
        aside.append(_aside(delivery, code, problem))
    raise _nothing_taken(exports, standing, aside, config)


def _compared_with(
    exports: Exports, stands: Version | None, at: int, config: StudyConfig
) -> tuple[Export | None, str]:
    """What a candidate is compared with: the export that stands, else the next older readable."""
    if stands is not None:
        return _stored(exports, stands), str(stands.facts["export_id"])
    return _older(exports, exports.candidates[at + 1 :], config)


def _nothing_taken(
    exports: Exports, standing: dict[str, Any], aside: list[SetAside], config: StudyConfig
) -> Refused:
    gone = "no clinical export could be taken"
    if standing:
        name = standing["export_id"]
        gone = f"export {name} stands and is no longer in landing/clinical"
    found = exports.naming_erased(config)
    checks: tuple[CheckRecord, ...] = ()
    if found:
        verdict = erased_verdict(len(found), ", ".join(found[-3:]))
        checks = (CheckRecord(name="no_erased_subject", **vars(verdict)),)
    return Refused(
        "; ".join(a.reason for a in aside) or gone,
        code=aside[0].code if aside else "gone",
        checks=checks,
        set_aside=tuple(aside),
    )


def _aside(delivery: Delivery, code: str, reason: str) -> SetAside:
    return SetAside(delivery.id, code, f"{delivery.path}: {reason}", delivery.contents)


def _same(export: Export, stands: Version) -> bool:
    """True when the export reads as it did when it was taken."""
    facts = stands.facts
    before = {name: stands.frame(name) for name in facts["tables"]}
    return (
        set(before) == set(export.tables)
        and all(before[name].equals(export.tables[name]) for name in before)
        and dict(facts["refused"]) == export.refused
        and stands.frame("issues").equals(export.issues)
    )


def _older(
    exports: Exports, candidates: tuple[Delivery, ...], config: StudyConfig
) -> tuple[Export | None, str]:
    for delivery in candidates:
        if delivery.state == "ready":
            export = exports.read(delivery, config)
            if all(name in export.tables for name in NEEDED):
                return export, delivery.id
    return None, ""


def _stored(exports: Exports, stands: Version) -> Export:
    """The export that stands; of a table that it refused, the last good form."""
    from hcc_assets.clinical.reading.exports import Export

    facts = stands.facts
    tables = {name: stands.frame(name) for name in facts["tables"]}
    tables |= {name: stands.frame(f"carried_{name}") for name in facts.get("carried", [])}
    export = Export(
        tables=tables,
        issues=stands.frame("issues"),
        refused=dict(facts["refused"]),
        files=dict(facts["files"]),
        absent={table: frozenset(names) for table, names in facts["absent"].items()},
        delivered={domain: tuple(names) for domain, names in facts["delivered"].items()},
    )
    return exports.consent.applied(export)


def _judge(
    exports: Exports,
    delivery: Delivery,
    export: Export,
    previous: Export | None,
    label: str,
    config: StudyConfig,
) -> tuple[str, str, pd.DataFrame | None]:
    """Why an export is not taken (empty: it is), the code of that, and what it changed."""
    from hcc_assets.clinical.holding.verdict import compare_exports

    if previous is None:
        needed = [name for name in NEEDED if name not in export.tables]
        if not needed:
            return "", "", None
        reasons = "; ".join(f"{k}: {v}" for k, v in sorted(export.refused.items()))
        return reasons or f"{' and '.join(needed)} could not be read", "refused", None
    verdict = compare_exports(previous, export, config)
    if verdict.held and (delivery.id, delivery.content) not in exports.accepted:
        rules = "; ".join(str(r) for r in verdict.reasons)
        release = f"Release it with: hcc accept {delivery.id} --reason …"
        return f"held against export {label}: {rules}. {release}", "held", None
    return "", "", verdict.changes


def _output(chosen: _Chosen, exports: Exports, config: StudyConfig) -> Output:
    """The version of the export that is taken.

    A table that was refused leaves its last good form in the bundle (``carried_…``): the next
    export is compared with that, so that nothing is lost unseen behind a refusal.
    """
    delivery, export, previous = chosen.delivery, chosen.export, chosen.previous
    cutoff = config.study.data_cutoff or export_date(delivery.id) or exports.today
    frames = dict(export.tables) | {"issues": export.issues}
    if chosen.changes is not None:
        frames["changes"] = chosen.changes
    before = previous.tables if previous is not None else {}
    carried = {name: frame for name, frame in before.items() if name not in export.tables}
    frames |= {f"carried_{name}": frame for name, frame in carried.items()}
    known = previous.delivered if previous is not None else {}
    earlier = {domain: names for domain, names in known.items() if domain in export.refused}
    delivered = {d: list(names) for d, names in (earlier | export.delivered).items()}
    facts = {
        "export_id": delivery.id,
        "path": delivery.path,
        "cutoff": cutoff.isoformat(),
        "tables": sorted(export.tables),
        "refused": export.refused,
        "newer": [a.reason for a in chosen.aside],
        "files": export.files,
        "absent": {table: sorted(names) for table, names in export.absent.items()},
        "delivered": delivered,
        "carried": sorted(carried),
        "compared_with": chosen.compared,
    }
    return Output(
        bundle=Bundle(frames=frames, facts=facts),
        metadata={
            "export_id": delivery.id,
            "tables_refused": len(export.refused),
            "differences": 0 if chosen.changes is None else len(chosen.changes),
        },
        set_aside=[*chosen.aside, *(_table_aside(delivery, *item) for item in _refused(export))],
    )


def _refused(export: Export) -> list[tuple[str, str]]:
    return sorted(export.refused.items())


def _table_aside(delivery: Delivery, domain: str, reason: str) -> SetAside:
    own = {
        path: sha
        for path, sha in delivery.contents.items()
        if PurePosixPath(path).stem.strip().lower() == domain
    }
    text = f"{delivery.path}, {domain}: {reason}"
    return SetAside(f"{delivery.id}-{domain}", "table_refused", text, own)
