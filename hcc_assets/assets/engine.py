"""The way from an asset to a version: is it stale, compute, judge, write, commit, publish.

Judge before replace: nothing of the version that stands is touched until the new value has passed
its gate, and the manifest is written last, over the one that was seen. Dagster calls
`Workbench.attempt` and tells what came out (`assets.factory`).
"""

from __future__ import annotations

import inspect
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcc_assets.assets.closure import lock_hash
from hcc_assets.assets.definition import Asset, Check, Output, Refused
from hcc_assets.assets.inputs import GIVEN, Basis
from hcc_assets.assets.plan import told, why_stale
from hcc_assets.assets.quarantine import quarantine, set_aside
from hcc_assets.assets.view import HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.home.files import Fence
from hcc_assets.home.objects import Overtaken
from hcc_assets.home.published import promote
from hcc_assets.home.versions import CheckRecord, Held, Manifest
from hcc_assets.schemas.base import TableRefused, columns, conform
from hcc_assets.schemas.csv_safe import to_csv_bytes

MAX_ATTEMPTS = 3
"""How often the same inputs are tried again after an unexpected error or an end from outside, as
many as Dagster's own retries of a step; a refusal is final until its inputs change."""

ENDED = "its run was ended before it was done; the next refresh tries again"


class StaleWriter(RuntimeError):
    """This run was given up; what it computed must not replace what stands."""


@dataclass
class Outcome:
    """What an attempt came to.

    Attributes
    ----------
    state
        ``fresh`` (nothing to do), ``new``, ``unchanged`` (computed again, same content),
        ``held`` (refused), ``still held`` (refused before, for exactly these inputs),
        ``failed`` (an unexpected error) or ``waiting`` (an input has no version).
    """

    state: str
    manifest: Manifest | None
    checks: list[CheckRecord] = field(default_factory=list)
    reason: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
    frames: list[str] = field(default_factory=list)
    permanent: bool = True


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
        basis, fingerprint = self.basis(asset, key), self.fingerprint(asset, key)
        if basis is None or fingerprint is None:
            return Outcome("waiting", current, reason=f"{asset.name} waits for its inputs")
        held = self.versions.held(asset.name, key)
        if not force:
            if self.settled(asset, key) is not None:
                return Outcome("fresh", current)
            if current is not None and current.fingerprint == fingerprint:
                if held is not None:  # of inputs that have been taken back
                    self.versions.clear_hold(asset.name, key)
                return Outcome("fresh", current)
            if held is not None and held.fingerprint == fingerprint and held.code not in _AGAIN:
                return Outcome(
                    "still held", current, held.checks, self._stays(held.reason, current)
                )
        why = "asked for" if force else "; ".join(why_stale(self, (asset.name, key), current))
        work = _Attempt(asset, key, run_id, fence, seen, current, basis, fingerprint, why)
        # until the outcome is known this stands for a run that was ended from outside
        self._hold(work, ENDED, "ended", [], [])
        try:
            values = {name: kind.value(self, key) for name, kind in asset.inputs.items()}
            output = self._computed(asset, values)
            checks = self._judged(asset, output, values)
            return self._replace(work, output, checks, values)
        except Refused as refusal:
            return self._refused(work, refusal)
        except (StaleWriter, Overtaken):
            raise
        except Exception as error:  # noqa: BLE001 - its text may carry values of the data
            frames = places(error)
            where = " < ".join(reversed(frames[-2:]))
            reason = f"unexpected {type(error).__name__} at {where}"
            gate = CheckRecord(name=asset.gate.name, passed=False, description=reason)
            return self._hold(work, reason, "error", [gate], frames)

    def _computed(self, asset: Asset, values: Mapping[str, Any]) -> Output:
        found = asset.function(**_given(asset.function, values))
        output = found if isinstance(found, Output) else Output(table=found)
        if asset.model is None:
            return output
        if output.table is None:
            raise TypeError(f"{asset.name} has a table model and returned no table")
        try:
            output.table = conform(asset.model, output.table)
        except TableRefused as refusal:
            raise Refused(str(refusal), code="schema", quarantine=False) from None
        return output

    def _judged(self, asset: Asset, output: Output, values: Mapping[str, Any]) -> list[CheckRecord]:
        more = {"output": output, "table": output.table}
        records = [CheckRecord(name=asset.gate.name, passed=True, description=asset.gate.title)]
        for check in asset.checks:
            assert check.judge is not None
            verdict = check.judge(**_given(check.judge, {**values, **more}))
            records.append(
                self._record(check, verdict.passed, verdict.description, verdict.affected)
            )
        return records

    def _record(self, check: Check, passed: bool, text: str, affected: int) -> CheckRecord:
        return CheckRecord(
            name=check.name,
            passed=passed,
            severity=check.severity,
            affected=affected,
            description=self.people.in_keys(text),
        )

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
        figures = self._drawn(asset, output, values)
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
            previous=_previous(current, same),
            seconds=round(time.monotonic() - work.started, 3),
            peak_mb=peak_mb(),
            checks=checks,
            notes=metadata,
        )
        for part in output.set_aside:
            set_aside(self, asset.name, part)
        self.versions.commit(manifest, seen=work.seen, keep=asset.keep, fence=work.fence)
        self.__dict__.pop("cutoff", None)
        if asset.name == "subjects":  # before anything else names one of them
            self.register()
        promote(self.versions, manifest, self._later(asset, work.key))
        self._audit(work, manifest)
        state = "unchanged" if same else "new"
        return Outcome(state, manifest, checks, metadata=metadata, figures=figures)

    def _told(self, value: Any) -> Any:
        return self.people.in_keys(value) if isinstance(value, str) else value

    def _drawn(self, asset: Asset, output: Output, values: Mapping[str, Any]) -> dict[str, bytes]:
        if not asset.figures:
            return {}
        from hcc_assets.figures.style import save_png, save_svg

        out: dict[str, bytes] = {}
        more = {"output": output, "table": output.table}
        for draw in asset.figures:
            for name, figure in draw(**_given(draw, {**values, **more})).items():
                out[f"figures/{name}.png"] = save_png(figure)
                out[f"figures/{name}.svg"] = save_svg(figure)
        return out

    def _later(self, asset: Asset, key: str | None) -> list[Manifest]:
        """Versions of the same subject's later samples: a figure of the whole course that one of
        them publishes is not replaced by that of an earlier one."""
        if not asset.figures or key is None:
            return []
        found = (self.versions.current(asset.name, k) for k in self.rows if key in self.earlier(k))
        return [m for m in found if m is not None]

    def _audit(self, work: _Attempt, manifest: Manifest) -> None:
        details = {
            "asset": manifest.asset,
            "sample": manifest.partition,
            "run_id": manifest.run_id,
            "fingerprint": manifest.fingerprint,
        }
        trail_of(self.home).append(
            "materialize",
            why=self.people.in_keys(work.why)[:400],
            details=details,
            from_hash=work.current.data_version if work.current else None,
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
        final = code not in _AGAIN or attempts >= MAX_ATTEMPTS
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
        state = "failed" if code in _AGAIN else "held"
        text = self._stays(reason, work.current)
        return Outcome(state, work.current, checks, text, frames=frames, permanent=final)

    @staticmethod
    def _stays(reason: str, current: Manifest | None) -> str:
        if current is None:
            return f"{reason}; there is no earlier version"
        return f"{reason}; the version of {current.at:%-d %B %Y %H:%M} UTC stays"


_AGAIN = ("error", "ended")
"""Codes of holds that are tried again: the inputs may be good."""


def _given(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What a function asks for by the names of its parameters."""
    return {name: values[name] for name in inspect.signature(function).parameters}


def _previous(current: Manifest | None, same: bool) -> str | None:
    if current is None:
        return None
    return current.previous if same else current.folder


def peak_mb() -> float:
    """The largest memory of this process until now, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kilobytes, macOS bytes
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def places(error: BaseException) -> list[str]:
    """``file:line:function`` of each frame of this package, and of the innermost frame; never the
    error's text, which may carry values of the data."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "hcc_assets" in f.filename and "/assets/engine" not in f.filename]
    chosen = [*own, *(frames[-1:] if frames and frames[-1] not in own else [])]
    return [f"{Path(f.filename).name}:{f.lineno}:{f.name}" for f in chosen]


__all__ = ["GIVEN", "MAX_ATTEMPTS", "Outcome", "StaleWriter", "Workbench", "peak_mb", "places"]
