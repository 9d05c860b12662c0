"""A home as seen at one moment: its settings, its landing, who is in it, what an asset rests on.

Samples go by their keys here (`home.people.register`). Nothing is computed or written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.inputs import Basis
from hcc_assets.audit.reconcile import ACCEPT
from hcc_assets.audit.trail import REBUILD, decided
from hcc_assets.home.damage import Damaged
from hcc_assets.home.decisions import read_entries
from hcc_assets.home.landing import deliveries
from hcc_assets.home.landing.sample_sheet import SampleRow, read_sample_sheet
from hcc_assets.home.manifests import Manifest, digest
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals, tombstones_of
from hcc_assets.home.people.register import People, read_people, register
from hcc_assets.home.people.subject_keys import canonical_subject
from hcc_assets.home.versions import Versions
from hcc_assets.study.config import StudyConfig

LOOKED_AT = (
    "config",
    "landing",
    "people",
    "cutoff",
    "rows",
    "keys",
    "acceptances",
    "withdrawn",
    "consent",
    "rebuild_asked",
)


class HomeView:
    """One home with its assets, as seen at one moment: configuration and landing are read once,
    manifests on demand."""

    def __init__(self, home: Home, assets: Mapping[str, Asset], *, now: dt.datetime | None = None):
        self.home = home
        self.assets = dict(assets)
        self.versions = Versions(home)
        self._now = now

    @property
    def now(self) -> dt.datetime:
        return self._now or dt.datetime.now(dt.UTC)

    @cached_property
    def config(self) -> StudyConfig:
        return self.home.config()

    @cached_property
    def landing(self) -> deliveries.Landing:
        return deliveries.scan(
            self.home, self.config, standing=self._standing_rows(), erased=self.erased_of
        )

    def _standing_rows(self) -> dict[str, SampleRow]:
        """Rows of ``samples.csv`` behind the version of ``samples`` that stands."""
        if "samples" not in self.assets or self.versions.current("samples") is None:
            return {}
        try:
            rows = self.versions.facts("samples").get("rows", [])
        except Damaged as error:
            self.versions.note(error.damage)
            if not self._sheet_is_good():
                raise  # samples would be lost behind a sheet that cannot be taken
            return {}
        return {row["sample_id"]: SampleRow(**row) for row in rows}

    def _sheet_is_good(self) -> bool:
        try:
            sheet = read_sample_sheet(self.home.samples_csv.read_bytes(), self.config)
        except OSError:
            return False
        return not (sheet.refused or sheet.problems)

    @cached_property
    def people(self) -> People:
        """Keys of everybody in ``samples.csv`` and in the clinical tables; those who are new have
        the key that `register` gives them."""
        rows = self.landing.sheet.rows.values()
        return read_people(self.home).with_everybody(rows, self._subjects())

    def _subjects(self) -> list[str]:
        if "subjects" not in self.assets or self.versions.current("subjects") is None:
            return []
        try:
            return [str(s) for s in self.versions.frame("subjects", "table")["USUBJID"]]
        except Damaged as error:  # those who were published once have their keys
            self.versions.note(error.damage)
            return []

    def register(self) -> None:
        """Give keys to everybody who is new, for good."""
        rows = self.landing.sheet.rows.values()
        self.__dict__["people"] = register(self.home, rows, self._subjects())

    @cached_property
    def rows(self) -> dict[str, SampleRow]:
        """Rows of the sheet by key: those that are not withdrawn or erased. Only these count in
        anything across samples."""
        rows = self.landing.sheet.rows.values()
        gone = self.erased_of({name for row in rows for name in (row.sample_id, row.subject_id)})
        kept = (r for r in rows if not gone & {r.sample_id, r.subject_id} and self._consents(r))
        return {self.people.key(row): row for row in sorted(kept, key=lambda r: r.sample_id)}

    def _consents(self, row: SampleRow) -> bool:
        until = self.withdrawn.get(canonical_subject(row.subject_id))
        if until is None:
            return True
        collected = row.collection_date
        return collected is not None and dt.date.fromisoformat(collected) < until

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys of the samples that count and that exist (a row and a complete matrix) or that
        have a version, in order of sample id."""
        found = []
        for key, row in self.rows.items():
            delivery = self.landing.samples.get(row.sample_id)
            there = delivery is not None and delivery.state in ("ready", "refused")
            if there or self.versions.current("raw_counts", key) is not None:
                found.append(key)
        return tuple(found)

    def delivery(self, key: str) -> deliveries.Delivery | None:
        """The matrix of a sample that counts."""
        row = self.rows.get(key)
        return self.landing.samples.get(row.sample_id) if row else None

    def earlier(self, key: str) -> tuple[str, ...]:
        """Keys of the same subject's samples of earlier timepoints, in order of sample id."""
        own = self.rows.get(key)
        if own is None:
            return ()
        order = {t: i for i, t in enumerate(self.config.samples.timepoints)}
        return tuple(
            k
            for k, row in self.rows.items()
            if k in self.keys
            and row.subject_id == own.subject_id
            and order[row.timepoint] < order[own.timepoint]
        )

    def by_collection(self, keys: Iterable[str]) -> list[str]:
        """Those of ``keys`` that count, by collection date, then id; undated ones last."""
        rows = self.rows
        return sorted(
            (k for k in keys if k in rows),
            key=lambda k: (rows[k].collection_date or "9999", rows[k].sample_id),
        )

    def standing(self, asset: str) -> list[str]:
        """Keys of the samples that count whose version of ``asset`` stands, in order of id."""
        return [k for k in self.rows if self.versions.current(asset, k) is not None]

    @cached_property
    def cutoff(self) -> dt.date:
        if self.config.study.data_cutoff:
            return self.config.study.data_cutoff
        if self.versions.current("clinical_export") is not None:
            return dt.date.fromisoformat(self.versions.facts("clinical_export")["cutoff"])
        return self.now.date()

    @cached_property
    def acceptances(self) -> list[dict[str, str]]:
        """Held exports that were released, from the audit trail: export id, content hash, reason,
        who, when. On an object store also what other machines released."""
        found = [
            {
                "export": str(entry.details["export"]),
                "content": str(entry.to_hash),
                "reason": entry.why,
                "who": entry.who,
                "at": entry.at,
            }
            for entry in decided(self.home, ACCEPT)
        ]
        return found + self._on_the_store("acceptances.json")

    def _on_the_store(self, name: str) -> list[dict[str, Any]]:
        """What machines that share an object store, each with a trail of its own, tell each
        other; of a local home nothing: there the trail alone is believed."""
        return [] if self.home.is_local else read_entries(self.home.store / name)

    @cached_property
    def rebuild_asked(self) -> str | None:
        """When ``hcc reference rebuild`` was last asked for (ISO, UTC), if ever, from the audit
        trail."""
        times = [entry.at for entry in decided(self.home, REBUILD)]
        shared = self._on_the_store("reference_rebuild.json")
        return max([*times, *(str(e["at"]) for e in shared if "at" in e)], default=None)

    @cached_property
    def withdrawn(self) -> dict[str, dt.date]:
        """Canonical subject to the first day whose data are no longer used."""
        found: dict[str, dt.date] = {}
        for row in read_withdrawals(self.home.withdrawals_csv):
            subject = canonical_subject(row.subject_id)
            found[subject] = min(found.get(subject, row.from_date), row.from_date)
        return found

    def erased_of(self, names: Collection[str]) -> set[str]:
        """Those of ``names`` (subjects, samples) that were erased."""
        if not self.home.tombstones_json.exists():
            return set()
        return tombstones_of(self.home).refused(names)

    @cached_property
    def consent(self) -> str:
        """Hash of withdrawals and erasures; empty when there are none."""
        path = self.home.tombstones_json
        stones = path.read_bytes().decode() if path.exists() else ""
        if not (self.withdrawn or stones):
            return ""
        return digest(sorted((k, v.isoformat()) for k, v in self.withdrawn.items()), stones)

    def forget(self) -> None:
        """Look at configuration, landing and cut-off afresh at the next question."""
        for name in LOOKED_AT:
            self.__dict__.pop(name, None)
        self.versions.look_anew()

    def basis(self, asset: Asset, key: str | None) -> Basis | None:
        """What the value of an asset depends on today; None while something required is not
        there."""
        found = Basis()
        for kind in asset.inputs.values():
            part = kind.basis(self, key)
            if part is None and not kind.optional:
                return None
            found |= part or Basis()
        return found

    def fingerprint(self, asset: Asset, key: str | None) -> str | None:
        """Hash of everything the value depends on; None while something required is not there."""
        parts: dict[str, object] = {}
        for name, kind in asset.inputs.items():
            part = kind.basis(self, key)
            if part is None and not kind.optional:
                return None
            parts[name] = vars(part) if part else None
        return digest(asset.code_version, parts)

    def settled(self, asset: Asset, key: str | None) -> Manifest | None:
        """The version that stands of an asset that keeps it whatever arrives."""
        if not any(kind.settled(self) for kind in asset.inputs.values()):
            return None
        return self.versions.current(asset.name, key)
