"""Assets of the catalogue as Dagster assets: keys, lineage, checks, columns, metadata. One factory
for all; nothing is computed here.

What comes out of an attempt is told as follows; a run fails for an unexpected error alone.

=========== ================= =================================================== ==========
outcome     asset             checks                                              step
=========== ================= =================================================== ==========
new         materialization   every verdict                                       succeeds
unchanged   materialization   every verdict                                       succeeds
fresh       observation       the verdicts of what stands                         succeeds
waiting     observation       none                                                succeeds
held        observation       the gate failed; the others say that they were not  succeeds
                              judged, with what stands
still held  observation       none                                                succeeds
failed      failure           the gate failed                                     fails
=========== ================= =================================================== ==========

Dagster reads the annotations of a decorated function at run time, so this module has no postponed
evaluation.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import dagster as dg
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from hcc_assets.assets.attempts import Outcome, StaleWriter
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.telling import check_told, figure_metadata, manifest_metadata, told_checks
from hcc_assets.home.paths import Home
from hcc_assets.schemas.base import columns

SAMPLE = dg.DynamicPartitionsDefinition(name="sample")


_UI_TYPES = {
    "text": "string",
    "number": "float",
    "integer": "int",
    "boolean": "bool",
    "date": "date",
}

Living = Callable[[dg.DagsterInstance, dg.DagsterRun, Home], AbstractContextManager[None]]
"""Around the body of a step: signs of life of its run (`operate.watch.reaper`)."""


class Attempt(dg.Config):
    """How to bring the asset up to date. ``force``: compute also what is fresh; a run of a
    backfill, which a person asked for, always does."""

    force: bool = False


BACKFILL = "dagster/backfill"
"""Tag of the runs of a backfill (Dagster's `BACKFILL_ID_TAG`)."""


def column_schema(asset: Asset) -> dg.TableSchema | None:
    """The columns tab of the UI, from the table model."""
    if asset.model is None:
        return None
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=_UI_TYPES[spec["dtype"]],
                description=spec["description"] + (f" [{spec['unit']}]" if spec["unit"] else ""),
                constraints=dg.TableColumnConstraints(nullable=spec["nullable"]),
            )
            for name, spec in columns(asset.model).items()
        ]
    )


def column_lineage(asset: Asset, assets: Mapping[str, Asset]) -> dg.TableColumnLineage | None:
    """Columns of the inputs that have the same name: names are SDTM's and mean the same thing in
    every table."""
    if asset.model is None:
        return None
    models = {name: m for name in asset.reads if (m := assets[name].model) is not None}
    upstream = {name: set(columns(model)) for name, model in models.items()}
    found = {
        column: [
            dg.TableColumnDep(asset_key=dg.AssetKey(name), column_name=column)
            for name, known in upstream.items()
            if column in known
        ]
        for column in columns(asset.model)
    }
    deps = {column: deps for column, deps in found.items() if deps}
    return dg.TableColumnLineage(deps_by_column=deps) if deps else None


def check_specs(asset: Asset) -> list[dg.AssetCheckSpec]:
    """The gate, which is blocking, and the asset's own checks."""
    partitions = SAMPLE if asset.per_sample else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                check.name,
                asset=asset.name,
                description=check.title,
                blocking=check is asset.gate,
                partitions_def=partitions,
            )
            for check in (asset.gate, *asset.checks)
        ]


def definition_metadata(asset: Asset) -> dict[str, Any]:
    """What the asset's page says before anything was computed: columns, table, source code."""
    line = asset.function.__code__.co_firstlineno
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        source = dg.LocalFileCodeReference(file_path=str(asset.file), line_number=line)
        references = dg.CodeReferencesMetadataValue(code_references=[source])
    found: dict[str, Any] = {"dagster/code_references": references}
    if asset.model is not None:
        found["dagster/column_schema"] = column_schema(asset)
        found["dagster/table_name"] = asset.name
    found["dagster/storage_kind"] = "h5ad" if "anndata" in asset.kinds else "parquet"
    return found


def to_dagster(
    asset: Asset,
    assets: Mapping[str, Asset],
    *,
    home: Callable[[], Home],
    living: Living,
    condition: dg.AutomationCondition[Any] | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetsDefinition:
    """The Dagster asset of an asset of the catalogue.

    Parameters
    ----------
    assets
        All of the catalogue.
    home
        Says at run time which home; it is no run configuration, so that no run can be sent to
        another one.
    condition
        When the daemon asks for it.
    """
    lineage = column_lineage(asset, assets)

    @dg.asset(
        name=asset.name,
        group_name=asset.group,
        description=asset.description,
        deps=[name for name in asset.reads if name != asset.name],
        partitions_def=SAMPLE if asset.per_sample else None,
        code_version=asset.code_version,
        kinds=set(asset.kinds),
        owners=list(asset.owners),
        tags=dict(asset.tags),
        metadata=definition_metadata(asset),
        check_specs=check_specs(asset),
        automation_condition=condition if asset.automatic else None,
        freshness_policy=freshness,
    )
    def _asset(context: dg.AssetExecutionContext, config: Attempt) -> Iterator[Any]:
        place, run = home(), context.run
        key = context.partition_key if asset.per_sample else None
        started = time.monotonic()
        with living(context.instance, run, place):
            bench = _bench(place, assets, context.run_id)
            outcome = bench.attempt(
                asset.name,
                key,
                run_id=context.run_id,
                force=config.force or BACKFILL in run.tags,
                fence=_fence(context.instance, context.run_id),
            )
        _log(context, asset, key, outcome, time.monotonic() - started)
        yield from _tell(context, asset, key, outcome, place, lineage)

    return _asset


def _fence(instance: dg.DagsterInstance, run_id: str) -> Callable[[], None]:
    """Refuses the write of a run that was given up or ended by somebody while it went on."""

    def check() -> None:
        run = instance.get_run_by_id(run_id)
        if run is not None and run.is_finished:
            raise StaleWriter(f"run {run_id} was given up; its late write is refused")

    return check


_benches: dict[tuple[str, str], Workbench] = {}


def _bench(home: Home, assets: Mapping[str, Asset], run_id: str) -> Workbench:
    """One workbench a run: configuration and landing are looked at once."""
    key = (str(home.root), run_id)
    if key not in _benches:
        _benches.clear()
        _benches[key] = Workbench(home, assets)
    return _benches[key]


def _log(
    context: dg.AssetExecutionContext,
    asset: Asset,
    key: str | None,
    outcome: Outcome,
    seconds: float,
) -> None:
    """One event of our own in Dagster's log: asset, sample, outcome, seconds, rows; no values."""
    rows = outcome.manifest.rows if outcome.manifest else None
    where = asset.name if key is None else f"{asset.name} of {key}"
    told = f"{where}: {outcome.state} in {seconds:.2f} s"
    context.log.info(told + (f", {rows} rows" if rows is not None else ""))


def _tell(
    context: dg.AssetExecutionContext,
    asset: Asset,
    key: str | None,
    outcome: Outcome,
    home: Home,
    lineage: dg.TableColumnLineage | None,
) -> Iterator[Any]:
    manifest = outcome.manifest
    if outcome.state in ("new", "unchanged") and manifest is not None:
        for record in manifest.checks:
            yield check_told(asset, record, manifest).to_result()
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(manifest.data_version),
            metadata={
                **outcome.metadata,
                **manifest_metadata(asset, manifest, home),
                **figure_metadata(asset, outcome),
                **({"dagster/column_lineage": lineage} if lineage else {}),
            },
        )
        return
    # as events of their own: a result of the blocking gate would fail the step
    for result in told_checks(asset, outcome):
        yield result.to_evaluation(asset.name, key)
    if outcome.state == "failed":
        frames = {"frames": dg.MetadataValue.md("\n".join(f"- `{f}`" for f in outcome.frames))}
        # Dagster's own retries would race with the driver, which tries again
        raise dg.Failure(outcome.reason, metadata=frames, allow_retries=False)
    yield dg.AssetObservation(
        asset_key=asset.name,
        partition=key,
        metadata={"state": outcome.state, "reason": outcome.reason or "everything is up to date"},
    )
    for output in sorted(context.op_execution_context.selected_output_names):
        # completes the step without a materialization, so that what rests on it goes on
        yield dg.Output(
            None,
            output_name=output,
            metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True},
        )
