"""The way from an asset to a version: is it stale, compute, judge, write, commit, publish.

Judge before replace: nothing of the version that stands is touched until the new value has passed
its gate, and the manifest is written last, over the one that was seen. Dagster calls
`Workbench.attempt` and tells what came out (`assets.factory`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hcc_assets.assets.acts import acts_in_force, record_acts
from hcc_assets.assets.attempts import (
    ENDED,
    MAX_ATTEMPTS,
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
from hcc_assets.assets.inputs import Basis
from hcc_assets.assets.plan import UNPUBLISHED, told, why_stale
from hcc_assets.assets.quarantine import quarantine, set_aside
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.files import Fence
from hcc_assets.home.manifests import CheckRecord, Held, Manifest
from hcc_assets.home.objects import Overtaken
from hcc_assets.home.published import promote
from hcc_assets.home.versions import unfinished
from hcc_assets.schemas.base import columns
from hcc_assets.schemas.csv_safe import to_csv_bytes


@dataclass
class _Attempt:
    """One attempt at one node, from what was seen at its start."""

    asset: Asset
    key: str | None
    run_id: str
    fence: Fence
    seen: str
    current: Manifest | None
    basis: Basis
    fingerprint: str
    why: str
    started: float = field(default_factory=time.monotonic)


class Workbench(HomeView):
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
        while True:
            try:
                return self._attempt(asset, key, run_id, force, fence)
            except Overtaken:
                # another writer published meanwhile: look at what stands now, which is fresh
                # unless inputs changed in between
                self.forget()
            finally:
                self.versions.look_anew()

    def _attempt(
        self, asset: Asset, key: str | None, run_id: str, force: bool, fence: Fence
    ) -> Outcome:
        if asset.per_sample:
            self.versions.look_anew()
        else:
            self.versions.glance()
        seen = self.versions.tag(asset.name, key)
        current = self.versions.current(asset.name, key)
        held = self.versions.held(asset.name, key)
        if current is not None and unfinished(current, held) and not force:
            done = self._finished(asset, key, current, fence)
            if done.state == "failed" or current.fingerprint == self.fingerprint(asset, key):
                return done
            held = None
        if not force and self.settled(asset, key) is not None:
            return Outcome("fresh", current)
        basis, fingerprint = self.basis(asset, key), self.fingerprint(asset, key)
        if basis is None or fingerprint is None:
            return Outcome("waiting", current, reason=f"{asset.name} waits for its inputs")
        if not force:
            if current is not None and current.fingerprint == fingerprint:
                if held is not None:  # of inputs that have been taken back
                    self.versions.clear_hold(asset.name, key)
                return Outcome("fresh", current)
            if (
                held is not None
                and held.fingerprint == fingerprint
                and held.code not in TRIED_AGAIN
            ):
                return Outcome("still held", current, held.checks, what_stays(held.reason, current))
        why = "asked for" if force else "; ".join(why_stale(self, (asset.name, key), current))
        work = _Attempt(asset, key, run_id, fence, seen, current, basis, fingerprint, why)
        # until the outcome is known this stands for a run that was ended from outside
        self._hold(work, ENDED, "ended", [], [])
        return self._tried(work, lambda: self._made(work))

    def _made(self, work: _Attempt) -> Outcome:
        asset, key = work.asset, work.key
        values = {name: kind.value(self, key) for name, kind in asset.inputs.items()}
        output = computed(asset, values)
        checks = judged(asset, output, values, self.people)
        return self._replace(work, output, checks, values)

    def _tried(self, work: _Attempt, what: Callable[[], Outcome]) -> Outcome:
        """An outcome also where it was refused or failed."""
        try:
            return what()
        except Refused as refusal:
            return self._refused(work, refusal)
        except (StaleWriter, Overtaken):
            raise
        except Exception as error:  # noqa: BLE001 - its text may carry values of the data
            frames = places(error)
            where = " < ".join(reversed(frames[-2:]))
            reason = f"unexpected {type(error).__name__} at {where}"
            gate = CheckRecord(name=work.asset.gate.name, passed=False, description=reason)
            return self._hold(work, reason, "error", [gate], frames)

    def _replace(
        self,
        work: _Attempt,
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
        written = self.versions.write_bundle(asset.name, work.key, bundle)
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
            promote(self.versions, current, self._later(asset, key))
            details = trail_details(current)
            if not any(entry.details == details for entry in trail_of(self.home).entries()):
                self._audit(current, UNPUBLISHED, current.previous)
            self.versions.clear_hold(asset.name, key)
            return Outcome("new", current, current.checks, metadata=current.notes)

        run_id, fingerprint = current.run_id, current.fingerprint
        work = _Attempt(asset, key, run_id, fence, "", current, Basis(), fingerprint, UNPUBLISHED)
        return self._tried(work, finish)

    def _audit(self, manifest: Manifest, why: str, before: str | None) -> None:
        trail_of(self.home).append(
            "materialize",
            why=self.people.in_keys(why)[:400],
            details=trail_details(manifest),
            from_hash=before,
            to_hash=manifest.data_version,
        )

    def _refused(self, work: _Attempt, refusal: Refused) -> Outcome:
        asset = work.asset
        for part in refusal.set_aside:
            set_aside(self, asset.name, part)
        if refusal.quarantine and work.basis.deliveries and not refusal.set_aside:
            quarantine(self, asset, work.key, refusal, work.basis.deliveries)
        reason = self.people.in_keys(refusal.reason)
        gate = CheckRecord(name=asset.gate.name, passed=False, description=reason)
        reached = [
            c.model_copy(update={"description": self.people.in_keys(c.description)})
            for c in refusal.checks
        ]
        return self._hold(work, reason, refusal.code, [gate, *reached], [])

    def _hold(
        self, work: _Attempt, reason: str, code: str, checks: list[CheckRecord], frames: list[str]
    ) -> Outcome:
        """Write down that this attempt did not replace what stands."""
        name, key = work.asset.name, work.key
        before = self.versions.held(name, key)
        same = before is not None and before.fingerprint == work.fingerprint
        attempts = before.attempts if before is not None and same else 0
        if code == "ended" or not same:  # the start of an attempt counts, its end does not
            attempts += 1
        final = code not in TRIED_AGAIN or attempts >= MAX_ATTEMPTS
        held = Held(
            fingerprint=work.fingerprint,
            reason=reason,
            code=code,
            at=self.now,
            attempts=attempts,
            permanent=final,
            run_id=work.run_id,
            checks=checks,
            frames=frames,
        )
        self.versions.hold(name, key, held)
        state = "failed" if code in TRIED_AGAIN else "held"
        text = what_stays(reason, work.current)
        return Outcome(state, work.current, checks, text, frames=frames, permanent=final)
