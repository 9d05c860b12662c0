"""Recipes as Dagster assets: keys, lineage, checks, column schemas, metadata. One factory for all; nothing is computed here.

Dagster reads the annotations of a decorated function at run time, so this module has no postponed evaluation.
"""

import base64
import datetime as dt
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from hcc_assets.assets.engine import Outcome, Workbench
from hcc_assets.assets.recipes import Recipe
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import CheckRecord
from hcc_assets.operate.watch.fencing import Leases
from hcc_assets.operate.watch.reaper import living_run
from hcc_assets.schemas.base import columns

SAMPLE = dg.DynamicPartitionsDefinition(name="sample")
FIGURE_LIMIT = 150_000
"""Bytes of PNG that go into the event log at the most; the file itself is under ``published/figures``."""

_UI_TYPES = {
    "text": "string",
    "number": "float",
    "integer": "int",
    "boolean": "bool",
    "date": "date",
}
_SEVERITY = {"ERROR": dg.AssetCheckSeverity.ERROR, "WARN": dg.AssetCheckSeverity.WARN}


class HomeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The data home; an empty root means ``HCC_HOME``."""

    root: str = ""

    def home(self) -> Home:
        return Home.at(self.root or None)


def column_schema(recipe: Recipe) -> dg.TableSchema | None:
    """The columns tab of the UI, from the recipe's table model."""
    if recipe.model is None:
        return None
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=_UI_TYPES[spec["dtype"]],
                description=spec["description"] + (f" [{spec['unit']}]" if spec["unit"] else ""),
                constraints=dg.TableColumnConstraints(nullable=spec["nullable"]),
            )
            for name, spec in columns(recipe.model).items()
        ]
    )


def automation(recipe: Recipe) -> dg.AutomationCondition[Any] | None:
    """When the daemon computes an asset by itself.

    What is read from ``landing/`` is requested by the landing sensor, which knows content; everything downstream follows its inputs, and one sample
    that is missing or held does not hold back the cohort.
    """
    if not recipe.automatic or not (recipe.inputs or recipe.optional):
        return None
    return dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())


def freshness(recipe: Recipe) -> dg.FreshnessPolicy | None:
    """What people read is looked at every day: the report is stale when the daily schedule has not come by."""
    if recipe.name != "trial_report":
        return None
    return dg.FreshnessPolicy.time_window(
        fail_window=dt.timedelta(hours=30), warn_window=dt.timedelta(hours=26)
    )


def to_asset(recipe: Recipe, recipes: Mapping[str, Recipe]) -> dg.AssetsDefinition:
    """The Dagster asset of a recipe."""
    partitions = SAMPLE if recipe.partitioned else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                c.name,
                asset=recipe.name,
                description=c.title,
                blocking=c.blocking,
                partitions_def=partitions,
            )
            for c in (recipe.gate, *recipe.checks)
        ]
    schema = column_schema(recipe)
    metadata: dict[str, Any] = {"dagster/column_schema": schema} if schema else {}
    if recipe.model is not None:
        metadata["dagster/table_name"] = recipe.name

    @dg.asset(
        name=recipe.name,
        group_name=recipe.group,
        description=recipe.description,
        deps=[*recipe.inputs, *recipe.optional],
        partitions_def=partitions,
        code_version=recipe.code_version,
        kinds=set(recipe.kinds),
        owners=list(recipe.owners),
        tags=dict(recipe.tags),
        metadata=metadata,
        check_specs=specs,
        automation_condition=automation(recipe),
        freshness_policy=freshness(recipe),
    )
    def _asset(
        context: dg.AssetExecutionContext, home: HomeResource
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        place = home.home()
        leases = Leases(place.leases)
        with living_run(
            context.instance,
            context.run_id,
            heartbeats=place.heartbeats,
            leases=leases,
            known_tags=context.run.tags,
        ):
            bench = _bench(place, recipes, context.run_id)
            sample = context.partition_key if recipe.partitioned else None
            outcome = bench.attempt(
                recipe.name, sample, run_id=context.run_id, fence=leases.fence(context.run_id)
            )
        yield from _tell(recipe, outcome)

    return _asset


_benches: dict[tuple[str, str], Workbench] = {}


def _bench(home: Home, recipes: Mapping[str, Recipe], run_id: str) -> Workbench:
    """One workbench a run: configuration and landing are looked at once."""
    key = (str(home.root), run_id)
    if key not in _benches:
        _benches.clear()
        _benches[key] = Workbench(home, recipes)
    return _benches[key]


def _check_result(recipe: Recipe, record: CheckRecord, outcome: Outcome) -> dg.AssetCheckResult:
    """What the Checks tab shows: the sentence, what to do about it, and, where a value was refused, which version stands."""
    metadata: dict[str, Any] = {}
    if record.name != recipe.gate.name:
        metadata["affected"] = record.affected
    if not record.passed:
        todo = next(c.todo for c in (recipe.gate, *recipe.checks) if c.name == record.name)
        if todo:
            metadata["what to do"] = todo
        if record.name == recipe.gate.name:
            stands = outcome.manifest
            metadata["what stands"] = (
                f"the version of {stands.at:%-d %B %Y %H:%M} UTC"
                if stands
                else "nothing: there is no earlier version"
            )
    return dg.AssetCheckResult(
        passed=record.passed,
        check_name=record.name,
        severity=_SEVERITY[record.severity],
        description=record.description,
        metadata=metadata,
    )


def _tell(
    recipe: Recipe, outcome: Outcome
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Check results first, then the materialization; a held asset has its failed check and no materialization."""
    known = {recipe.gate.name, *(c.name for c in recipe.checks)}
    if outcome.state in ("held", "failed", "blocked"):
        records = outcome.checks or [
            CheckRecord(name=recipe.gate.name, passed=False, description=outcome.reason)
        ]
        for record in records:
            if record.name in known:
                yield _check_result(recipe, record, outcome)
        raise dg.Failure(
            outcome.reason, allow_retries=outcome.state == "failed" and not outcome.permanent
        )
    manifest = outcome.manifest
    if manifest is None:
        raise dg.Failure(f"{recipe.name} ended as {outcome.state} without a version")
    for record in manifest.checks:
        if record.name in known:
            yield _check_result(recipe, record, outcome)
    metadata: dict[str, Any] = {
        **(outcome.metadata or manifest.notes),
        "reused": outcome.state == "fresh",
    }
    if manifest.rows is not None:
        metadata["dagster/row_count"] = manifest.rows
    for name, data in outcome.figures.items():
        if name.endswith(".png") and len(data) <= FIGURE_LIMIT:
            metadata[f"figure {name.removesuffix('.png')}"] = dg.MetadataValue.md(
                f"![{name}](data:image/png;base64,{base64.b64encode(data).decode()})"
            )
    yield dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.data_version), metadata=metadata
    )
