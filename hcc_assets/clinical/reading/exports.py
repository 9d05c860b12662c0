"""A clinical export folder to validated tables: which file is which domain, what is refused, what
rests on what. Rules on the tables are in ``checks``.

One refused domain never stops the others; a table that cannot be right without a refused domain is
refused with it and says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading import measurements, tumour_tables
from hcc_assets.clinical.reading import tables as build
from hcc_assets.clinical.reading.characteristics import build_subject_characteristics
from hcc_assets.clinical.reading.columns import known_names
from hcc_assets.clinical.reading.disposition import build_disposition
from hcc_assets.clinical.reading.domain_table import Domain, aliases_of, typed_domain
from hcc_assets.clinical.reading.files.apart import Asked, Reader, read_here
from hcc_assets.clinical.reading.files.formats import SUFFIXES
from hcc_assets.clinical.reading.folder import (
    DONE,
    MANIFEST,
    domain_of,
    find_files,
    read_manifest,
)
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.clinical.reading.subject_ids import one_spelling
from hcc_assets.study.config import StudyConfig, Therapy
from hcc_assets.study.sdtm_variables import DOMAINS, REQUIRED_DOMAINS

TABLE_DOMAINS: dict[str, tuple[str, ...]] = {
    "subjects": ("dm", "ex"),
    "exposure": ("ex",),
    "tumour_assessments": ("tr", "tu", "ex"),
    "reported_responses": ("rs",),
    "disposition": ("ds", "cm", "pr", "ss", "ex"),
    "adverse_events": ("ae", "ex"),
    "lab_results": ("lb",),
    "vital_signs": ("vs",),
    "subject_characteristics": ("sc", "qs"),
}
"""Domains that each table rests on, its own first."""


@dataclass(frozen=True)
class Export:
    """What one export folder gave.

    Attributes
    ----------
    tables
        Table name to frame (``schemas.clinical``); a table that rests on a refused domain is
        absent.
    issues
        ``DataIssues`` frame of the findings made on reading.
    refused
        Domain to the sentence that says why it was not taken.
    files
        File name to sha256, for the files of the domains.
    absent
        Table to the optional columns that its delivery does not have (null in the table).
    delivered
        Domain to the columns taken from it.
    """

    tables: dict[str, pd.DataFrame]
    issues: pd.DataFrame
    refused: dict[str, str]
    files: dict[str, str]
    absent: dict[str, frozenset[str]] = field(default_factory=dict)
    delivered: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def reason(self, table: str) -> str | None:
        """Why a table is absent; null when it is there."""
        if table in self.tables:
            return None
        return next(
            (
                f"{domain}: {self.refused[domain]}"
                for domain in TABLE_DOMAINS[table]
                if domain in self.refused
            ),
            "not delivered",
        )


def validate_file(
    path: Path, config: StudyConfig, *, read: Reader = read_here
) -> tuple[pd.DataFrame, str | None]:
    """Judge one file before it is sent, by itself.

    Returns
    -------
    tuple
        ``DataIssues`` frame of the findings on reading, and the reason of refusal (null when the
        file would be taken).
    """
    log = IssueLog()
    domain = domain_of(path)
    if domain is None:
        return (
            log.frame(),
            f"the file name is no domain ({', '.join(DOMAINS)}) with one of the endings "
            f"{' '.join(SUFFIXES)}",
        )
    try:
        (raw,) = read([_asked(path, domain, config)])
        typed_domain(raw, domain, config, log)
    except DomainRefused as refusal:
        return log.frame(), refusal.reason
    return log.frame(), None


def read_export(
    folder: Path,
    config: StudyConfig,
    *,
    cutoff: dt.date | None = None,
    read: Reader = read_here,
) -> Export:
    """Read a whole export folder.

    Parameters
    ----------
    folder
        Local folder with one file per domain.
    config
        Study configuration.
    cutoff
        Data cut-off; doses after it give no treatment date.
    read
        What reads the files: `apart.read_apart` for whatever was delivered.

    Returns
    -------
    Export
        Never raises for the content of a file: what cannot be taken is in ``refused``.
    """
    log = IssueLog()
    refused: dict[str, str] = {}
    paths = find_files(folder, log)
    files = {p.name: _sha256(p) for found in paths.values() for p in found}
    asked = _to_read(folder, paths, files, config, refused)
    domains: dict[str, Domain] = {}
    for domain, raw in zip(asked, read(list(asked.values())), strict=True):
        part = IssueLog()
        try:
            domains[domain] = typed_domain(raw, domain, config, part)
        except DomainRefused as refusal:
            refused[domain] = refusal.reason
        log.extend(part)
    made, table_log = _build_tables(domains, refused, cutoff, config.therapy)
    log.extend(table_log)
    absent = {
        table: frozenset(name for d in rests if d in domains for name in domains[d].absent)
        for table, rests in TABLE_DOMAINS.items()
        if table in made
    }
    for table, frame in made.items():
        frame.attrs["absent"] = sorted(absent[table])
    return Export(
        made,
        log.frame(),
        refused,
        files,
        absent,
        {domain: part.delivered for domain, part in domains.items()},
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _asked(path: Path, domain: str, config: StudyConfig, *, whole: bool = False) -> Asked:
    return Asked(path, known_names(domain, aliases_of(domain, config)), whole)


def _to_read(
    folder: Path,
    paths: dict[str, list[Path]],
    files: dict[str, str],
    config: StudyConfig,
    refused: dict[str, str],
) -> dict[str, Asked]:
    """Domain to its file, for those that have one that agrees with the manifest; the others are
    added to ``refused``."""
    manifest = read_manifest(folder)
    done = (folder / DONE).exists()
    asked = {}
    for domain in DOMAINS:
        found = paths.get(domain, [])
        listed = manifest.get(found[0].name) if found else None
        if not found:
            if domain in REQUIRED_DOMAINS:
                refused[domain] = (
                    f"the export has no {domain} file ({domain}.csv or another accepted format)"
                )
        elif len(found) > 1:
            names = ", ".join(p.name for p in found)
            refused[domain] = f"{len(found)} files claim to be {domain} ({names}); send one"
        elif listed is not None and listed != files[found[0].name]:
            refused[domain] = (
                f"{found[0].name} does not agree with {MANIFEST}; send the export again"
            )
        else:
            whole = done or listed is not None
            asked[domain] = _asked(found[0], domain, config, whole=whole)
    return asked


def _build_tables(
    domains: dict[str, Domain],
    refused: dict[str, str],
    cutoff: dt.date | None,
    therapy: Therapy,
) -> tuple[dict[str, pd.DataFrame], IssueLog]:
    log = IssueLog()
    made: dict[str, pd.DataFrame] = {}
    frames = one_spelling({name: part.frame for name, part in domains.items()}, log)

    def attempt(
        table: str, own: str, needs: tuple[str, ...], function: Callable[[], pd.DataFrame]
    ) -> None:
        missing = next((name for name in needs if name in refused), None)
        if own in refused:
            return
        if missing is not None:
            refused[own] = f"{own} cannot be judged without {missing}, which was refused"
            return
        made[table] = function()

    if "ex" in frames:
        made["exposure"] = build.build_exposure(frames["ex"], build.not_dosed_before(frames))
        doses = build.treatment_dates(made["exposure"], cutoff)
        attempt("subjects", "dm", (), lambda: build.build_subjects(frames["dm"], doses, log))
        tu_needed = ("tu",) if "tr" in frames and _needs_locations(frames["tr"]) else ()
        attempt(
            "tumour_assessments",
            "tr",
            tu_needed,
            lambda: tumour_tables.build_tumour_assessments(
                frames["tr"], frames.get("tu"), doses, log, frames.get("rs")
            ),
        )
        attempt("adverse_events", "ae", (), lambda: build.build_adverse_events(frames["ae"], doses))
    else:
        for own in ("dm", "tr", "ae"):
            refused.setdefault(
                own, f"{own} cannot be judged without first doses, and ex was refused"
            )
    for table, own, build_optional in (
        ("reported_responses", "rs", tumour_tables.build_reported_responses),
        ("lab_results", "lb", measurements.build_lab_results),
        ("vital_signs", "vs", measurements.build_vital_signs),
    ):
        found = frames[own] if own in frames else measurements.none_typed(own)
        attempt(table, own, (), partial(build_optional, found))
    if not {"sc", "qs"} & set(refused):
        made["subject_characteristics"] = build_subject_characteristics(frames)
    if "ex" in frames and not {"ds", "cm", "pr", "ss"} & set(refused):
        made["disposition"] = build_disposition(frames, therapy, doses, log)
    return {name: made[name] for name in TABLE_DOMAINS if name in made}, log


def _needs_locations(tr: pd.DataFrame) -> bool:
    return bool(tr.loc[tr["TRLNKID"].notna(), "TULOC"].isna().any())
