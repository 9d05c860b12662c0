"""The way from an asset to a version: is it stale, compute, judge, write, commit, publish.

Judge before replace: nothing of the version that stands is touched until the new value has passed
its gate, and the manifest is written last, over the one that was seen. Dagster calls
`Workbench.attempt` and tells what came out (`assets.factory`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from hcc_assets.assets.acts import acts_in_force, record_acts
from hcc_assets.assets.attempts import (
    ENDED,
    TRIED_AGAIN,
    Outcome,
    StaleWriter,
    peak_mb,
    places,
    previous_of,
    trail_details,
    what_stays,
)
from hcc_assets.assets.closure import lock_hash
from hcc_assets.assets.computing import computed, drawn, judged
from hcc_assets.assets.definition import Asset, Output, Refused
from hcc_assets.assets.healing import DAMAGED
from hcc_assets.assets.inputs import Basis
from hcc_assets.assets.plan import UNPUBLISHED, told, why_stale
from hcc_assets.assets.quarantine import set_aside
from hcc_assets.assets.refusing import Refusing, Work
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.bundles import write_bundle
from hcc_assets.home.damage import Damaged
from hcc_assets.home.files import Fence
from hcc_assets.home.looking import unfinished
from hcc_assets.home.manifests import CheckRecord, Manifest
from hcc_assets.home.objects import Overtaken
from hcc_assets.home.published import promote
from hcc_assets.schemas.base import columns
from hcc_assets.schemas.csv_safe import to_csv_bytes


class Workbench(Refusing):
    """A home at which assets are brought up to date."""

    def attempt(
        self,
        name: str,
        key: str | None = None,
        *,
        run_id: str = "",
        force: bool = False,
        fence: Fence = lambda: None,
    ) -> Outcome:
        """Bring one asset (of one sample) up to date.

        Parameters
        ----------
        key
            Key of the sample.
        force
            Compute also what is fresh, and what was refused.
        fence
            Raises `StaleWriter` when the run was given up.
        """
        asset = self.assets[name]
        healed: set[tuple[str, str | None]] = set()
        while True:
            try:
                return self._attempt(asset, key, run_id, force, fence, frozenset(healed))
            except Overtaken:
                # another writer published meanwhile: look at what stands now, which is fresh
                # unless inputs changed in between
                self.forget()
            except Damaged as error:
                # what it reads is made good first; its own version, by being computed again
                node = error.damage.node
                healed.add(node)
                self.versions.note(error.damage)
                if node != (name, key):
                    self.attempt(*node, run_id=run_id, fence=fence)
            finally:
                self.versions.look_anew()

    def _attempt(
        self,
        asset: Asset,
        key: str | None,
        run_id: str,
        force: bool,
        fence: Fence,
        healed: frozenset[tuple[str, str | None]],
    ) -> Outcome:
        hurt = self.mend(asset.name, key)
        if asset.per_sample:
            self.versions.look_anew()
        else:
            self.versions.glance()
        seen = self.versions.tag(asset.name, key)
        current = self.versions.current(asset.name, key)
        held = self.versions.held(asset.name, key)
        if current is not None and not hurt and unfinished(current, held) and not force:
            done = self._finished(asset, key, current, fence)
            if done.state == "failed" or current.fingerprint == self.fingerprint(asset, key):
                return done
            held = None
        settled = self.settled(asset, key)
        if not force and not hurt and settled is not None:
            return Outcome("fresh", current)
        basis, fingerprint = self.basis(asset, key), self.fingerprint(asset, key)
        if basis is None or fingerprint is None:
            return Outcome("waiting", current, reason=f"{asset.name} waits for its inputs")
        if not force:
            if current is not None and current.fingerprint == fingerprint and not hurt:
                if held is not None:  # of inputs that have been taken back
                    self.versions.clear_hold(asset.name, key)
                return Outcome("fresh", current)
            if (
                held is not None
                and held.fingerprint == fingerprint
                and held.code not in TRIED_AGAIN
            ):
                return Outcome("still held", current, held.checks, what_stays(held.reason, current))
        reasons = tuple(map(str, hurt)) or why_stale(self, (asset.name, key), current)
        why = "asked for" if force else "; ".join(reasons)
        only = settled.data_version if settled is not None and hurt and not force else None
        work = Work(asset, key, run_id, fence, seen, current, basis, fingerprint, why, only, healed)
        # until the outcome is known this stands for a run that was ended from outside
        self._hold(work, ENDED, "ended", [], [])
        return self._tried(work, lambda: self._made(work))

    def _made(self, work: Work) -> Outcome:
        asset, key = work.asset, work.key
        values = {name: kind.value(self, key) for name, kind in asset.inputs.items()}
        output = computed(asset, values)
        checks = judged(asset, output, values, self.people)
        return self._replace(work, output, checks, values)

    def _tried(self, work: Work, what: Callable[[], Outcome]) -> Outcome:
        """An outcome also where it was refused or failed."""
        try:
            return what()
        except Refused as refusal:
            return self._refused(work, refusal)
        except (StaleWriter, Overtaken):
            raise
        except Damaged as error:
            return self._spoilt(work, error)
        except Exception as error:  # noqa: BLE001 - its text may carry values of the data
            frames = places(error)
            where = " < ".join(reversed(frames[-2:]))
            reason = f"unexpected {type(error).__name__} at {where}"
            gate = CheckRecord(name=work.asset.gate.name, passed=False, description=reason)
            return self._hold(work, reason, "error", [gate], frames)

    def _replace(
        self,
        work: Work,
        output: Output,
        checks: list[CheckRecord],
        values: Mapping[str, Any],
    ) -> Outcome:
        asset, current, bundle = work.asset, work.current, output.bundle
        published = dict(output.published)
        if output.table is not None:
            bundle.frames["table"] = output.table
            specs = columns(asset.model) if asset.model is not None else {}
            dates = (c for c, spec in specs.items() if spec["dtype"] == "date")
            bundle.dates["table"] = tuple(dates)
            bundle.extras["table.csv"] = to_csv_bytes(output.table)
            published |= {
                f"{asset.name}.parquet": "table.parquet",
                f"{asset.name}.csv": "table.csv",
            }
        figures = drawn(asset, output, values)
        bundle.extras |= figures
        published |= {name: name for name in figures}
        written = write_bundle(self.versions, asset.name, work.key, bundle)
        if work.only is not None and written.data_version != work.only:
            raise Refused(
                f"{work.why}; what comes out today is another version, and this one is settled: "
                "put the file back from a backup, or ask for another with hcc reference rebuild",
                code=DAMAGED,
                quarantine=False,
            )
        if current is not None and written.version != current.folder:
            self.mend_replaced(current)
        same = current is not None and current.data_version == written.data_version
        metadata = {k: self._told(v) for k, v in output.metadata.items()}
        now = self.now
        manifest = Manifest(
            asset=asset.name,
            partition=work.key,
            data_version=written.data_version,
            version=written.version,
            fingerprint=work.fingerprint,
            code_version=asset.code_version,
            code=asset.closure.modules,
            settings=work.basis.settings,
            lock_hash=lock_hash(),
            inputs=work.basis.versions,
            deliveries=told(self, work.basis.deliveries),
            files=written.files,
            sizes=written.sizes,
            h5ad_hashes=written.h5ad_hashes,
            published=published,
            rows=None if output.table is None else len(output.table),
            run_id=work.run_id,
            at=now,
            since=current.since if same and current is not None else now,
            previous=previous_of(current, same),
            seconds=round(time.monotonic() - work.started, 3),
            peak_mb=peak_mb(),
            checks=checks,
            notes=metadata,
            acts=acts_in_force(output.acts),
        )
        for part in output.set_aside:
            set_aside(self, asset.name, part)
        record_acts(trail_of(self.home), self.people, manifest, output.acts, current)
        self.versions.commit(manifest, seen=work.seen, keep=asset.keep, fence=work.fence)
        if work.hurt and same and current is not None and current.folder != manifest.folder:
            self.versions.drop(current)  # the same data with other figures
        work.current = manifest
        self.__dict__.pop("cutoff", None)
        if asset.name == "subjects":  # before anything else names one of them
            self.register()
        promote(self.versions, manifest, self._later(asset, work.key))
        before = current.data_version if current else None
        self._audit(manifest, work.why, before)
        self.versions.clear_hold(asset.name, work.key)
        state = "unchanged" if same else "new"
        return Outcome(state, manifest, checks, metadata=metadata, figures=figures)

    def _told(self, value: Any) -> Any:
        return self.people.in_keys(value) if isinstance(value, str) else value

    def _later(self, asset: Asset, key: str | None) -> list[Manifest]:
        """Versions of the same subject's later samples: a figure of the whole course that one of
        them publishes is not replaced by that of an earlier one."""
        if not asset.figures or key is None:
            return []
        found = (self.versions.current(asset.name, k) for k in self.rows if key in self.earlier(k))
        return [m for m in found if m is not None]

    def _finished(self, asset: Asset, key: str | None, current: Manifest, fence: Fence) -> Outcome:
        """Publish and tell a version whose run was ended before it did."""

        def finish() -> Outcome:
            fence()
            self.versions.copy(current)
            promote(self.versions, current, self._later(asset, key))
            details = trail_details(current)
            if not any(entry.details == details for entry in trail_of(self.home).entries()):
                self._audit(current, UNPUBLISHED, current.previous)
            self.versions.clear_hold(asset.name, key)
            return Outcome("new", current, current.checks, metadata=current.notes)

        run_id, fingerprint = current.run_id, current.fingerprint
        work = Work(asset, key, run_id, fence, "", current, Basis(), fingerprint, UNPUBLISHED)
        return self._tried(work, finish)

    def _audit(self, manifest: Manifest, why: str, before: str | None) -> None:
        trail_of(self.home).append(
            "materialize",
            why=self.people.in_keys(why)[:400],
            details=trail_details(manifest),
            from_hash=before,
            to_hash=manifest.data_version,
        )
