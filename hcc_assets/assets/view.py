"""A home as seen at one moment: its settings, its landing, who is in it, what each asset rests on. Nothing is computed or written here."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from hcc_assets.assets.recipes import Recipe
from hcc_assets.audit.trail import tombstones_of
from hcc_assets.home.landing import deliveries as landings
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals
from hcc_assets.home.people.subject_keys import canonical_subject
from hcc_assets.home.versions import Versions, digest
from hcc_assets.study.config import StudyConfig


@dataclass(frozen=True)
class Basis:
    """What a result depends on: data versions of its inputs, content of its deliveries, and the hash of these with settings and code."""

    inputs: dict[str, str]
    deliveries: dict[str, str]
    fingerprint: str


class HomeView:
    """One home with its recipes, as seen at one moment: configuration and landing are read once, manifests on demand."""

    def __init__(
        self, home: Home, recipes: Mapping[str, Recipe], *, now: dt.datetime | None = None
    ):
        self.home = home
        self.recipes = dict(recipes)
        self.versions = Versions(home)
        self._now = now

    @property
    def now(self) -> dt.datetime:
        return self._now or dt.datetime.now(dt.UTC)

    @cached_property
    def config(self) -> StudyConfig:
        return self.home.config()

    @cached_property
    def landing(self) -> landings.Landing:
        return landings.scan(
            self.home, self.config, standing=self._standing_rows(), erased=self.erased_of
        )

    def _standing_rows(self) -> dict[str, landings.SampleRow]:
        """Rows of ``samples.csv`` behind the version of ``samples`` that stands."""
        if "samples" not in self.recipes or self.versions.current("samples") is None:
            return {}
        rows = self.versions.facts("samples").get("rows", [])
        return {row["sample_id"]: landings.SampleRow(**row) for row in rows}

    @cached_property
    def cutoff(self) -> dt.date:
        if self.config.study.data_cutoff:
            return self.config.study.data_cutoff
        if self.versions.current("clinical_export") is not None:
            return dt.date.fromisoformat(self.versions.facts("clinical_export")["cutoff"])
        return self.now.date()

    @cached_property
    def acceptances(self) -> list[dict[str, str]]:
        """Held exports that were released: export id, content hash, reason, who, when."""
        try:
            found: list[dict[str, str]] = json.loads(
                (self.home.store / "acceptances.json").read_bytes()
            )
        except FileNotFoundError:
            return []
        return found

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
        return (
            tombstones_of(self.home).refused(names) if self.home.tombstones_json.exists() else set()
        )

    @cached_property
    def consent(self) -> str:
        """Hash of withdrawals and erasures; empty when there are none."""
        stones = (
            self.home.tombstones_json.read_bytes().decode()
            if self.home.tombstones_json.exists()
            else ""
        )
        return (
            digest(sorted((k, v.isoformat()) for k, v in self.withdrawn.items()), stones)
            if self.withdrawn or stones
            else ""
        )

    @cached_property
    def registered(self) -> frozenset[str]:
        """Samples of the sheet that are not withdrawn or erased; only these count in anything across samples."""
        rows = self.landing.sheet.rows
        gone = self.erased_of(
            {name for row in rows.values() for name in (row.sample_id, row.subject_id)}
        )
        return frozenset(
            s
            for s, row in rows.items()
            if not gone & {row.sample_id, row.subject_id} and self._consents(row)
        )

    def _consents(self, row: landings.SampleRow) -> bool:
        until = self.withdrawn.get(canonical_subject(row.subject_id))
        return until is None or (
            row.collection_date is not None and dt.date.fromisoformat(row.collection_date) < until
        )

    def by_collection(self, samples: Iterable[str]) -> list[str]:
        """Those of ``samples`` that are in the sheet, by collection date, then id; undated ones last."""
        rows = self.landing.sheet.rows
        return sorted(
            (s for s in samples if s in rows), key=lambda s: (rows[s].collection_date or "9999", s)
        )

    def standing(self, asset: str) -> list[str]:
        """Registered samples whose version of ``asset`` stands."""
        return [p for p in self.versions.partitions(asset) if p in self.registered]

    def forget(self) -> None:
        """Look at configuration, landing and cut-off afresh at the next question."""
        for name in (
            "config",
            "landing",
            "cutoff",
            "registered",
            "acceptances",
            "withdrawn",
            "consent",
        ):
            self.__dict__.pop(name, None)

    def inputs(self, recipe: Recipe, partition: str | None) -> dict[str, str] | None:
        """Data versions of all inputs, or None while a required one has none."""
        found: dict[str, str] = {}
        for name in (*recipe.inputs, *recipe.optional):
            upstream = self.recipes[name]
            if upstream.partitioned and not recipe.partitioned:
                for sample in self.standing(name):
                    manifest = self.versions.current(name, sample)
                    if manifest:
                        found[f"{name}/{sample}"] = manifest.data_version
                continue
            manifest = self.versions.current(name, partition if upstream.partitioned else None)
            if manifest is not None:
                found[name] = manifest.data_version
            elif name in recipe.inputs:
                return None
        return found

    def basis(self, recipe: Recipe, partition: str | None) -> Basis | None:
        """What the result depends on today; None while something required is not there."""
        if recipe.settled(self):
            standing = self.versions.require(recipe.name, partition)
            return Basis(standing.inputs, standing.deliveries, standing.fingerprint)
        inputs = self.inputs(recipe, partition)
        external = recipe.external(self, partition) if recipe.external else {}
        if inputs is None or external is None:
            return None
        settings = (
            self.config.model_dump(mode="json", include=set(recipe.settings))
            if recipe.settings
            else {}
        )
        cutoff = (
            self.cutoff.isoformat() if "study" in recipe.settings and recipe.uses_cutoff else ""
        )
        return Basis(
            inputs, external, digest(recipe.code_version, settings, cutoff, inputs, external)
        )

    def fingerprint(self, recipe: Recipe, partition: str | None) -> str | None:
        """Hash of everything the result depends on; None while something required is not there."""
        basis = self.basis(recipe, partition)
        return basis.fingerprint if basis else None
