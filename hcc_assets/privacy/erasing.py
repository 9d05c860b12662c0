"""``hcc erase`` and the job of the same name: the order in which a subject is taken out of a home.

Key, rows and folders go, what rested on them is computed anew, and every byte is searched. The
versions that stand are replaced by ones without the subject before anything of other people is
dropped, so that there is a readable table at any time and what is held stays held. Every step may
be repeated: an erasure that was cut off is finished by asking for it again.

Backups are not reached: whoever keeps them has to let them expire, or repeat the erasure after a
restore; the tombstone refuses a delivery of the subject in both cases.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import tombstones_of
from hcc_assets.home.people.register import register, strike
from hcc_assets.operate import actions
from hcc_assets.operate.four_eyes import seconded
from hcc_assets.operate.instance import instance_of, prepare
from hcc_assets.operate.query_answers import forget_confirmations
from hcc_assets.operate.refresh import Summary
from hcc_assets.operate.watch.reaper import reap
from hcc_assets.privacy.proof import Proof, prove_absence
from hcc_assets.privacy.removal import (
    drop_earlier,
    find_landed,
    folders_of,
    remove,
    remove_landed,
    take_away,
)
from hcc_assets.privacy.subject import Who, code_of, nobody_of_this_name, who_is

RUNS_SECONDS = 600.0
"""How long runs that began before are waited for: twice the longest run of the benchmark of 200
subjects; then nothing has been removed yet and a person decides."""

Say = Callable[[str, str], None]


@dataclass(frozen=True)
class Erased:
    """Result of an erasure: whether no trace is left and everything could be computed anew, and
    sentences for a person that name nobody."""

    absent: bool
    complete: bool
    lines: list[str]
    left: list[str]


def erase_subject(
    home: Home,
    subject: str,
    reference: str,
    *,
    own_run: str = "",
    progress: Say | None = None,
) -> Erased:
    """Remove every artefact of a subject, compute anew what rested on it, search every byte for
    what is left.

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
    if not home.is_local:
        text = "erase works on a local home; on an object store remove the objects and their"
        raise ValueError(f"{text} versions there")
    say = progress or (lambda *_: None)
    prepare(home)
    who = who_is(home, subject)
    lines = nobody_of_this_name(home, subject)
    register(home, who.rows)  # the keys say which samples these were, should this be cut off
    who = who_is(home, subject)
    tombstones_of(home).add(subject, who.samples, reference, dt.datetime.now(dt.UTC))
    _audit(home, who, "erase", reference)
    _wait_for_runs(home, own_run, say)
    say("erase", "deliveries")
    forget_confirmations(home, who.subject)
    lines += remove_landed(home, who)
    for path in (*folders_of(home, who.keys), *_taught(home, who)):
        remove(path)
    summary = _computed_anew(home, who, say)
    _forget_keys(home, who)
    say("erase", "search")
    proof = _proof(home, who)
    _audit(home, who, "erase proven" if proof.absent else "erase incomplete", reference)
    failed = [
        f"could not be computed anew: {c.asset}: {c.reason}"
        for c in summary.troubled
        if c.state == "failed"
    ]
    lines += [*failed, *proof.lines()]
    lines.append(
        "Backups and copies outside this home are not reached: "
        "erase the subject there too, or let them expire."
    )
    return Erased(proof.absent, not failed, lines, proof.left)


def first_of_two(home: Home, subject: str, reference: str) -> bool:
    """Where two people are asked for: whether this one is the first, and has only asked. An
    erasure that was begun is finished by whoever asks."""
    who = who_is(home, subject)
    begun = tombstones_of(home).names(subject)
    if begun or not home.config().governance.four_eyes:
        return False
    found = seconded(home, "erase", why=reference, subject_id=who.subject, redact=who.samples)
    return found is None


def _taught(home: Home, who: Who) -> list[Path]:
    """Assets that stay whatever arrives (a frozen reference) and that learned from the subject:
    they are built anew from the others."""
    view = HomeView(home, all_assets())
    found = {a.name: view.settled(a, None) for a in view.assets.values() if not a.per_sample}
    return [
        Path(str(view.versions.folder(name)))
        for name, manifest in found.items()
        if manifest and any(read.partition("/")[2] in who.keys for read in manifest.inputs)
    ]


def _computed_anew(home: Home, who: Who, say: Say) -> Summary:
    """Bring the home up to date without the subject. What is dropped in between is what an
    earlier version, or a table of differences from one, still holds of it."""
    summary = actions.refresh_home(home, progress=say)
    if drop_earlier(home):
        summary = actions.refresh_home(home, progress=say)
        drop_earlier(home)
    if take_away(home, who):
        summary = actions.refresh_home(home, progress=say)
    return summary


def _forget_keys(home: Home, who: Who) -> None:
    """Drop the keys: from the people table, and from the partitions of the UI."""
    strike(home, who.subject)
    with instance_of(home) as instance:
        for key in who.keys:
            instance.delete_dynamic_partition("sample", key)


def _audit(home: Home, who: Who, action: str, reference: str) -> None:
    trail_of(home).append(
        action,
        why=reference,
        subject_id=who.subject,
        redact=who.samples,
        details={"samples": len(who.samples)},
    )


def preview(home: Home, subject: str) -> dict[str, Any]:
    """What an erasure would do, and the code by which the job is told who is meant. Nothing is
    changed.

    Returns
    -------
    dict
        ``code`` and ``lines`` for a person.
    """
    who = who_is(home, subject)
    landed = find_landed(home, who)
    counts = {
        "deliveries would be deleted": landed.delete,
        "delivered tables would lose rows": landed.rewrite,
        "folders of its samples would be removed": folders_of(home, who.keys),
        "deliveries have to be replaced by hand": landed.by_hand,
    }
    code = code_of(home, subject)
    lines = [
        *nobody_of_this_name(home, subject),
        f"{len(who.samples)} samples",
        *(f"{len(paths)} {what}" for what, paths in counts.items()),
        "Every table that rests on them would be computed anew, and earlier versions dropped",
        f"Code for the job erase_subject: {code}",
    ]
    return {"code": code, "lines": lines}


def _proof(home: Home, who: Who) -> Proof:
    return prove_absence(
        Path(str(home.root)),
        who.names,
        others=who.others,
        dagster_home=home.dagster_home,
        operators_files=[home.withdrawals_csv],
        database=os.environ.get("HCC_DATABASE_URL"),
    )


def _wait_for_runs(home: Home, own_run: str, say: Say) -> None:
    """Runs that began before the tombstone may still write the subject's data: wait for their end.

    Raises
    ------
    RuntimeError
        They did not end in time.
    """
    active = [
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ]
    until = time.monotonic() + RUNS_SECONDS
    with instance_of(home) as instance:
        while True:
            reap(instance, dt.datetime.now(dt.UTC), heartbeats=home.heartbeats)
            records = instance.get_run_records(dg.RunsFilter(statuses=active))
            runs = [r for r in records if r.dagster_run.run_id != own_run]
            if not runs:
                return
            if time.monotonic() > until:
                raise RuntimeError(
                    f"{len(runs)} runs are at work; nothing was removed yet. "
                    "Wait for them or end them, then erase again"
                )
            say("erase", f"waiting for {len(runs)} runs to end")
            time.sleep(2)
