"""The way from a recipe to a version: is it stale, compute, judge, write, publish, commit. Dagster calls `Workbench.attempt` and tells what came out.

Judge before replace: nothing of the version that stands is touched until the new value has passed its gate, and the manifest is written last.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from hcc_assets.assets.code_versions import lock_hash
from hcc_assets.assets.quarantine import quarantine, set_aside
from hcc_assets.assets.recipes import Ask, Output, Recipe, Refused
from hcc_assets.assets.view import Basis, HomeView
from hcc_assets.audit.trail import trail_of
from hcc_assets.home import files as stores
from hcc_assets.home.objects import Overtaken
from hcc_assets.home.versions import Bundle, CheckRecord, Held, Manifest, digest
from hcc_assets.operate.watch.fencing import StaleWriter
from hcc_assets.schemas.base import TableRefused, columns, conform
from hcc_assets.schemas.csv_safe import to_csv_bytes

MAX_ATTEMPTS = 3
"""How often the same inputs are tried again after an unexpected error; a refusal is final until its inputs change."""


@dataclass
class Outcome:
    """What an attempt came to."""

    state: str
    manifest: Manifest | None
    checks: list[CheckRecord] = field(default_factory=list)
    reason: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, bytes] = field(default_factory=dict)
    permanent: bool = True


class Workbench(HomeView):
    """A home at which assets are brought up to date."""

    def attempt(
        self,
        name: str,
        partition: str | None = None,
        *,
        run_id: str = "",
        force: bool = False,
        fence: stores.Fence | None = None,
    ) -> Outcome:
        """Bring one asset (of one sample) up to date.

        Returns
        -------
        Outcome
            ``state`` is ``fresh`` (nothing to do), ``new``, ``unchanged`` (computed again, same content), ``held``, ``failed`` or ``blocked``.
        """
        recipe = self.recipes[name]
        self.home.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self.home.locks / f"{name}{'@' + partition if partition else ''}.lock")):
            while True:
                try:
                    return self._attempt(recipe, partition, run_id, force, fence or (lambda: None))
                except Overtaken:  # by another machine: compute from what stands now and publish that over what this one has published
                    self.forget()
                    self.versions.look_anew()
                    force = not recipe.settled(self)
                finally:
                    self.versions.look_anew()

    def _attempt(
        self, recipe: Recipe, partition: str | None, run_id: str, force: bool, fence: stores.Fence
    ) -> Outcome:
        name = recipe.name
        self.versions.look_anew() if recipe.partitioned else self.versions.glance()
        seen = self.versions.tag(name, partition)
        basis = self.basis(recipe, partition)
        current = self.versions.current(name, partition)
        if basis is None:
            return Outcome(
                "blocked", current, reason=f"{name} waits for an input that has no version yet"
            )
        if current is not None and current.fingerprint == basis.fingerprint and not force:
            if (
                self.versions.held(name, partition) is not None
            ):  # of inputs that have been taken back
                self.versions.clear_hold(name, partition)
            return Outcome("fresh", current, current.checks)
        try:
            output = self._computed(recipe, partition)
            return self._replace(recipe, partition, output, basis, current, run_id, fence, seen)
        except Refused as refusal:
            checks = [
                CheckRecord(name=recipe.gate.name, passed=False, description=refusal.reason),
                *refusal.checks,
            ]
            for part in refusal.set_aside:
                set_aside(self, recipe.name, part)
            if refusal.quarantine and recipe.external is not None and not refusal.set_aside:
                quarantine(self, recipe, partition, refusal)
            return self._held(
                recipe,
                partition,
                basis.fingerprint,
                refusal.reason,
                refusal.code,
                checks,
                current,
                run_id,
                permanent=True,
            )
        except (StaleWriter, Overtaken):
            raise
        except Exception as error:  # noqa: BLE001 - any error must be told without its text, which may carry values of the data
            reason = f"unexpected {type(error).__name__} at {_place(error)}"
            checks = [CheckRecord(name=recipe.gate.name, passed=False, description=reason)]
            return self._held(
                recipe,
                partition,
                basis.fingerprint,
                reason,
                "error",
                checks,
                current,
                run_id,
                permanent=False,
            )

    def _computed(self, recipe: Recipe, partition: str | None) -> Output:
        output = recipe.compute(Ask(recipe, self, partition))
        if recipe.model is not None:
            if output.table is None:
                raise TypeError(f"{recipe.name} has a table model and returned no table")
            try:
                output.table = conform(recipe.model, output.table)
            except TableRefused as refusal:
                raise Refused(str(refusal), code="schema", quarantine=False) from None
        return output

    def _replace(
        self,
        recipe: Recipe,
        partition: str | None,
        output: Output,
        basis: Basis,
        current: Manifest | None,
        run_id: str,
        fence: stores.Fence,
        seen: str | None,
    ) -> Outcome:
        bundle: Bundle = output.bundle
        if output.table is not None and recipe.model is not None:
            bundle.frames["table"] = output.table
            bundle.dates["table"] = tuple(
                c for c, spec in columns(recipe.model).items() if spec["dtype"] == "date"
            )
        figures = self._figures(recipe, output, partition)
        version, files = self.versions.write_bundle(recipe.name, partition, bundle, fence)
        if output.table is not None and recipe.model is not None:
            table = self.versions.folder(recipe.name) / version / "table.parquet"
            stores.write_bytes(
                self.home.published / f"{recipe.name}.parquet", table.read_bytes(), fence
            )
            stores.write_bytes(
                self.home.published / f"{recipe.name}.csv", to_csv_bytes(output.table), fence
            )
        for figure, data in figures.items():
            stores.write_bytes(self.home.figures / figure, data, fence)
        same = current is not None and current.data_version == version
        gate = CheckRecord(name=recipe.gate.name, passed=True, description=recipe.gate.title)
        manifest = Manifest(
            asset=recipe.name,
            partition=partition,
            data_version=version,
            fingerprint=basis.fingerprint,
            code_version=recipe.code_version,
            config_hash=digest(self.config.model_dump(mode="json")),
            lock_hash=lock_hash(),
            inputs=basis.inputs,
            deliveries=basis.deliveries,
            files=files,
            figures=sorted({name.rpartition(".")[0] for name in figures}),
            rows=None if output.table is None else len(output.table),
            run_id=run_id,
            at=self.now,
            since=current.since if same and current is not None else self.now,
            previous=(current.previous if same else current.data_version)
            if current is not None
            else None,
            checks=[gate, *output.checks],
            notes=output.metadata,
        )
        for part in output.set_aside:
            set_aside(self, recipe.name, part)
        self.versions.commit(manifest, fence, recipe.keep, seen)
        if recipe.name == "clinical_export":
            self.__dict__.pop("cutoff", None)
        self._audit(manifest, current)
        return Outcome(
            "unchanged" if same else "new",
            manifest,
            manifest.checks,
            metadata=output.metadata,
            figures=figures,
        )

    def _figures(self, recipe: Recipe, output: Output, partition: str | None) -> dict[str, bytes]:
        if recipe.figures is None:
            return {}
        from hcc_assets.figures.style import save_png, save_svg

        out: dict[str, bytes] = {}
        for name, figure in recipe.figures(Ask(recipe, self, partition), output).items():
            out[f"{name}.png"] = save_png(figure)
            out[f"{name}.svg"] = save_svg(figure)
        return out

    def _audit(self, manifest: Manifest, current: Manifest | None) -> None:
        details = {
            "asset": manifest.asset,
            "sample": manifest.partition,
            "run_id": manifest.run_id,
            "fingerprint": manifest.fingerprint,
        }
        trail_of(self.home).append(
            "materialize",
            why="inputs, settings or code changed" if current else "first version",
            details=details,
            redact=[manifest.partition] if manifest.partition else [],
            from_hash=current.data_version if current else None,
            to_hash=manifest.data_version,
        )

    def _held(
        self,
        recipe: Recipe,
        partition: str | None,
        fingerprint: str,
        reason: str,
        code: str,
        checks: list[CheckRecord],
        current: Manifest | None,
        run_id: str,
        *,
        permanent: bool,
    ) -> Outcome:
        before = self.versions.held(recipe.name, partition)
        attempts = before.attempts + 1 if before and before.fingerprint == fingerprint else 1
        final = permanent or attempts >= MAX_ATTEMPTS
        self.versions.hold(
            recipe.name,
            partition,
            Held(
                fingerprint=fingerprint,
                reason=reason,
                code=code,
                at=self.now,
                attempts=attempts,
                permanent=final,
                run_id=run_id,
                checks=checks,
            ),
        )
        stands = (
            f"; the version of {current.at:%-d %B %Y %H:%M} UTC stays"
            if current
            else "; there is no earlier version"
        )
        return Outcome(
            "held" if permanent else "failed", current, checks, reason + stands, permanent=final
        )


def _place(error: BaseException) -> str:
    """File and line of the innermost frame of this package, and of the innermost frame at all; never the error's text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "hcc_assets" in f.filename] or frames
    places = dict.fromkeys(f"{Path(f.filename).name}:{f.lineno}" for f in (own[-1], frames[-1]))
    return ", ".join(places)
