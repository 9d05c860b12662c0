"""``hcc erase`` and the job of the same name: the order in which a subject is taken out of a home. Finding, removing and proving are in ``platform.erasure``.

The versions that stand are replaced by ones without the subject before anything of the store is dropped, so that there is a readable table at any time,
and so that what is held stays held. Every step may be repeated: an erasure that was cut off is finished by asking for it again.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcc_assets.alerts.alerting import alert_store
from hcc_assets.audit.trail import audit_path, trail_of
from hcc_assets.home.landing.sample_sheet import SampleRow, read_sample_sheet
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals, tombstones_of
from hcc_assets.home.people.subject_keys import (
    KEY_FILE,
    canonical_subject,
    key_for_home,
    keys_folder,
    subject_digest,
)
from hcc_assets.home.versions import Versions
from hcc_assets.privacy.erasure import ErasurePlan, Proof, carry_out, plan_erasure, prove_absence

ROUNDS = 3
"""Searches at the most: a table of differences may name the subject once more, as one that is gone."""

RUNS_SECONDS = 600.0


@dataclass(frozen=True)
class Erased:
    """Result of an erasure: whether no trace is left and everything could be computed anew, and sentences for a person that name nobody."""

    absent: bool
    complete: bool
    lines: list[str]
    left: list[str]


@dataclass(frozen=True)
class _About:
    """A subject in one home: its names, the names of everybody else, the matrices delivered for it alone."""

    subject: str
    samples: tuple[str, ...]
    others: tuple[str, ...]
    matrices: tuple[Path, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.subject, *self.samples)


def erase_subject(
    home: Home,
    subject: str,
    reference: str,
    *,
    own_run: str = "",
    progress: Callable[[str, str], None] | None = None,
) -> Erased:
    """Remove every artefact of a subject, compute anew what rested on it, search every byte for what is left.

    Parameters
    ----------
    home
        A local home.
    subject
        Its id, in any case and width.
    reference
        Reference of the request, for tombstone and audit trail.
    own_run
        The Dagster run that this is called from, which is not waited for.
    progress
        Told the steps.
    """
    from hcc_assets.operate.actions import refresh_home
    from hcc_assets.privacy.dropping import drop

    if not home.is_local:
        raise ValueError(
            "erase works on a local home; on an object store remove the objects and their versions there"
        )
    say = progress or (lambda *_: None)
    about = _about(home, subject)
    nobody = nobody_of_this_name(home, subject)
    tombstones_of(home).add(subject, about.samples, reference, dt.datetime.now(dt.UTC))
    trail_of(home).append(
        "erase",
        why=reference,
        subject_id=subject,
        redact=about.samples,
        details={"samples": len(about.samples)},
    )
    _wait_for_runs(home, own_run, say)
    lines = nobody
    for turn in range(ROUNDS):
        say("erase", f"search {turn + 1}")
        plan = _plan(home, about, keep_sheet=True)
        lines += _carried_out(home, about, plan)
        # the first time what stands is replaced by what is computed without the subject; only then is dropped what still holds it
        if turn and not drop(home, plan.recompute):
            break
        refresh_home(home, jobs=None, memory_mb=None, progress=say)
    lines += _carried_out(home, about, _plan(home, about, keep_sheet=False))
    summary = refresh_home(home, jobs=None, memory_mb=None, progress=say)
    proof, databases = _proof(home, about), _scrub_server(home, about)
    absent = proof.absent and not databases
    failed = [
        f"could not be computed anew: {c.asset}: {c.reason}"
        for c in summary.troubled
        if c.state == "failed"
    ]
    trail_of(home).append(
        "erase proven" if absent else "erase incomplete",
        why=reference,
        subject_id=subject,
        redact=about.samples,
    )
    lines += [
        *failed,
        *proof.lines(),
        *(f"left: table {name} of the database" for name in databases),
    ]
    lines.append(
        "Backups and copies outside this home are not reached: erase the subject there too, or let them expire."
    )
    return Erased(absent, not failed, lines, [t.path for t in proof.traces] + databases)


def preview(home: Home, subject: str) -> dict[str, Any]:
    """What an erasure would do, and the code by which the job is told who is meant. Nothing is changed.

    Returns
    -------
    dict
        ``code`` and ``lines`` for a person.
    """
    about = _about(home, subject)
    plan = _plan(home, about, keep_sheet=False)
    counts = {
        "paths would be deleted": plan.delete,
        "delivered tables would lose rows": plan.rewrite,
        "files of the platform would be computed anew or dropped": plan.recompute,
        "databases and logs would name a token instead": (*plan.databases, *plan.texts),
        "deliveries have to be replaced by hand": plan.by_hand,
    }
    lines = [
        *nobody_of_this_name(home, subject),
        f"{len(about.samples)} samples",
        *(f"{len(paths)} {what}" for what, paths in counts.items()),
    ]
    return {
        "code": code_of(home, subject),
        "lines": [*lines, f"Code for the job erase_subject: {code_of(home, subject)}"],
    }


def code_of(home: Home, subject: str) -> str:
    """The subject's digest under the key of the home: names nobody to whoever lacks the key."""
    return subject_digest(key_for_home(keys_folder(home)), subject)


def subject_of_code(home: Home, code: str) -> str:
    """The subject that a code means.

    Raises
    ------
    LookupError
        Nobody in this home has the code.
    """
    key = key_for_home(keys_folder(home))
    found = next(
        (s for s in sorted(_subjects(home)) if subject_digest(key, s) == code.strip()), None
    )
    if found is None:
        raise LookupError(
            "nobody in this home has this code; `hcc erase SUBJECT --dry-run` prints it"
        )
    return found


def _rows(home: Home) -> list[SampleRow]:
    """Rows of the sheet as it lies in landing (also of subjects that have a tombstone already), and those behind the version that stands."""
    versions = Versions(home)
    rows = (
        [SampleRow(**r) for r in versions.facts("samples").get("rows", [])]
        if versions.current("samples")
        else []
    )
    if home.samples_csv.exists():
        rows += read_sample_sheet(home.samples_csv.read_bytes(), home.config()).rows.values()
    return rows


def _subjects(home: Home) -> set[str]:
    """Everybody whom the home knows of."""
    found = {r.subject_id for r in _rows(home)} | {
        w.subject_id for w in read_withdrawals(home.withdrawals_csv)
    }
    versions = Versions(home)
    if versions.current("clinical_export") is not None:
        for table in versions.facts("clinical_export").get("tables", []):
            found |= set(versions.frame("clinical_export", table)["USUBJID"].dropna())
    return found


def known_names(home: Home) -> set[str]:
    """Ids of everybody and of every sample that the home knows of."""
    return _subjects(home) | {r.sample_id for r in _rows(home)}


def nobody_of_this_name(home: Home, subject: str) -> list[str]:
    """A line to read when the home knows nobody of this name: mistyped, or an erasure that was cut off, which is finished all the same."""
    if canonical_subject(subject) in {canonical_subject(s) for s in _subjects(home)}:
        return []
    return [
        "no sample and no clinical record that stands is of this name: look at the spelling, unless it was erased before; later deliveries under it are left out"
    ]


def _about(home: Home, subject: str) -> _About:
    wanted = canonical_subject(subject)
    rows = _rows(home)
    own = [r for r in rows if canonical_subject(r.subject_id) == wanted]
    rest = [r for r in rows if canonical_subject(r.subject_id) != wanted]
    everybody = {n for r in rest for n in (r.sample_id, r.subject_id)} | {
        s for s in _subjects(home) if canonical_subject(s) != wanted
    }
    landing = Path(str(home.landing))
    taken = [landing / r.path for r in rest]
    mine = {landing / r.path for r in own}
    alone = sorted(
        p
        for p in mine
        if not any(t.is_relative_to(p) or p.is_relative_to(t) for t in taken)
        and p.resolve() != landing.resolve()
    )
    return _About(
        subject, tuple(sorted({r.sample_id for r in own})), tuple(sorted(everybody)), tuple(alone)
    )


def _plan(home: Home, about: _About, *, keep_sheet: bool) -> ErasurePlan:
    """``samples.csv`` goes last: it says which samples were the subject's, should the erasure be cut off and asked for again."""
    trail = audit_path(home)
    untouched = [keys_folder(home) / KEY_FILE, trail, trail.with_name(trail.name + ".head")]
    return plan_erasure(
        Path(str(home.root)),
        about.subject,
        about.samples,
        others=about.others,
        dagster_home=home.dagster_home,
        operators_files=[home.withdrawals_csv],
        untouched=[*untouched, *([Path(str(home.samples_csv))] if keep_sheet else [])],
        matrices=about.matrices,
    )


def _carried_out(home: Home, about: _About, plan: ErasurePlan) -> list[str]:
    import sqlalchemy as sa

    from hcc_assets.privacy.scrubbing import remove_figures

    aliases = [
        delivered
        for names in home.config().aliases.values()
        for delivered, sdtm in names.items()
        if sdtm == "USUBJID"
    ]
    alert_store(home).forget(about.names, about.others)
    for path in plan.databases:
        remove_figures(sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool))
    return carry_out(plan, key_for_home(keys_folder(home)), id_columns=aliases)


def _scrub_server(home: Home, about: _About) -> list[str]:
    """The same in the database of ``HCC_DATABASE_URL``; returns tables in which a name is left."""
    import sqlalchemy as sa

    from hcc_assets.privacy.scrubbing import (
        remove_figures,
        replacements,
        scrub_database,
        tables_naming,
    )

    url = os.environ.get("HCC_DATABASE_URL")
    if not url:
        return []
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    remove_figures(engine)
    scrub_database(engine, replacements(about.names, key_for_home(keys_folder(home))), about.others)
    return tables_naming(engine, about.names, about.others)


def _proof(home: Home, about: _About) -> Proof:
    return prove_absence(
        Path(str(home.root)),
        about.names,
        others=about.others,
        dagster_home=home.dagster_home,
        operators_files=[home.withdrawals_csv],
    )


def _wait_for_runs(home: Home, own_run: str, say: Callable[[str, str], None]) -> None:
    """Runs that began before the tombstone may still write the subject's data: wait for their end.

    Raises
    ------
    RuntimeError
        They did not end in time.
    """
    import dagster as dg

    from hcc_assets.operate.instance import instance_of
    from hcc_assets.operate.watch.fencing import Leases
    from hcc_assets.operate.watch.reaper import reap

    active = [
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    until = time.monotonic() + RUNS_SECONDS
    with instance_of(home) as instance:
        while True:
            reap(
                instance,
                dt.datetime.now(dt.UTC),
                heartbeats=home.heartbeats,
                leases=Leases(home.leases),
            )
            runs = [
                r
                for r in instance.get_run_records(dg.RunsFilter(statuses=active))
                if r.dagster_run.run_id != own_run
            ]
            if not runs:
                return
            if time.monotonic() > until:
                raise RuntimeError(
                    f"{len(runs)} runs are at work; nothing was removed yet. Wait for them or end them, then erase again"
                )
            say("erase", f"waiting for {len(runs)} runs to end")
            time.sleep(2)
