"""``hcc audit verify`` of a home: the chain of its trail, an anchor, and the trail against what
stands. Nothing is healed here, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hcc_assets.audit.chain import Head, anchor_problems
from hcc_assets.audit.reconcile import Found, StandingVersion, reconciliation
from hcc_assets.audit.trail import trail_of
from hcc_assets.catalogue.clinical._confirmations import entry_digest, recorded_confirmations
from hcc_assets.home.decisions import read_entries
from hcc_assets.home.looking import unfinished
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals, tombstones_of
from hcc_assets.home.people.subject_keys import key_for_home, keys_folder, subject_digest
from hcc_assets.home.versions import Versions


def trail_problems(home: Home, anchor: Head | None = None, *, signatures: bool = True) -> list[str]:
    """Every fault of the trail of a home, a sentence each that names nobody; empty when it is
    whole.

    Parameters
    ----------
    anchor
        A head that was kept elsewhere (`read_anchor`).
    signatures
        Check the signature of every line too; a refresh leaves that to ``hcc audit verify``.
    """
    entries, problems = trail_of(home).look(signatures=signatures)
    told = [str(p) for p in problems]
    if anchor is not None:
        told += [str(p) for p in anchor_problems(entries, anchor)]
    return told + reconciliation(entries, what_stands(home))


def read_anchor(path: Path) -> Head:
    """The head in a copy of ``audit.jsonl.head``, or in what ``hcc audit head`` printed.

    Raises
    ------
    ValueError
        It is neither.
    """
    try:
        found = json.loads(path.read_bytes())
        return Head(int(found["seq"]), str(found["hash"]))
    except (OSError, ValueError, KeyError, TypeError):
        text = "is not a copy of audit/audit.jsonl.head, nor what hcc audit head prints"
        raise ValueError(f"{path} {text}") from None


def what_stands(home: Home) -> Found:
    """What a home holds beside its trail.

    On an object store several machines work, each with a trail of its own: versions and
    acceptances are not compared there.
    """
    key, old = key_for_home(keys_folder(home)), _old_acceptances(home)
    rows = read_withdrawals(home.withdrawals_csv)
    return Found(
        versions=tuple(_versions(home)) if home.is_local else (),
        accepted=tuple((str(e["export"]), str(e["content"])) for e in old) if home.is_local else (),
        withdrawn=tuple(
            (subject_digest(key, row.subject_id), row.from_date.isoformat()) for row in rows
        ),
        erased=tuple(stone.subject for stone in tombstones_of(home).all()),
        confirmed=tuple((str(e["query"]), entry_digest(e)) for e in recorded_confirmations(home)),
    )


def _versions(home: Home) -> Iterator[StandingVersion]:
    versions, store = Versions(home), Path(str(home.store))
    if not store.exists():
        return
    for folder in sorted(p for p in store.iterdir() if p.is_dir()):
        for sample in (None, *versions.partitions(folder.name)):
            manifest = versions.current(folder.name, sample)
            # a version whose run was ended before it was told gets its line by the next refresh
            if manifest and not unfinished(manifest, versions.held(folder.name, sample)):
                yield _standing(manifest)


def _standing(manifest: Manifest) -> StandingVersion:
    return StandingVersion(
        asset=manifest.asset,
        sample=manifest.partition,
        data_version=manifest.data_version,
        fingerprint=manifest.fingerprint,
        run_id=manifest.run_id,
        at=manifest.at,
        acts=tuple(manifest.acts.values()),
    )


def _old_acceptances(home: Home) -> list[dict[str, Any]]:
    """Of a home of before the trail was their source; they count for nothing without a line."""
    return read_entries(home.store / "acceptances.json")
