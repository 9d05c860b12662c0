"""Where a published number comes from: the manifests, followed from a file down to the delivery. Nothing is recomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from hcc_assets.assets.recipes import Recipe
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions


def origin_of(
    home: Home, recipes: Mapping[str, Recipe], file: str
) -> tuple[str, list[str | None]] | None:
    """The asset that publishes ``file`` (a table, a figure, the report) or that it names, and the samples it is of; None when there is none.

    A figure is known by the manifests of the versions that stand, which name what was drawn from them.
    """
    versions = Versions(home)
    stem = PurePosixPath(file.replace("\\", "/")).name.partition(".")[0]
    asset = "trial_report" if stem == "report" else stem
    if asset in recipes:
        return asset, _partitions(versions, recipes, asset)
    for recipe in recipes.values():
        of = (p for p in _partitions(versions, recipes, recipe.name) if recipe.figures is not None)
        drew = [
            p
            for p in of
            if (manifest := versions.current(recipe.name, p)) is not None
            and stem in manifest.figures
        ]
        if drew:
            return recipe.name, drew
    return None


def _partitions(versions: Versions, recipes: Mapping[str, Recipe], asset: str) -> list[str | None]:
    return (
        [*versions.partitions(asset)] if asset in recipes and recipes[asset].partitioned else [None]
    )


def explain_asset(
    home: Home,
    recipes: Mapping[str, Recipe],
    asset: str,
    samples: Sequence[str | None] | None = None,
) -> dict[str, Any]:
    """Everything the version that stands was made from: the versions that were read then, which need not be those that stand now.

    Of a per-sample asset: the versions of ``samples``, or of all.

    Returns
    -------
    dict
        ``asset`` and ``nodes``: one entry per version below it, inputs before what reads them, with code, lock, run, checks, deliveries. A node is named
        after its asset and sample, with ``@version`` where that version does not stand any more; ``kept`` is false where it was removed since.
    """
    versions = Versions(home)
    nodes: dict[str, dict[str, Any]] = {}

    def visit(name: str, sample: str | None, version: str) -> None:
        current = versions.current(name, sample)
        stands = current is not None and current.data_version == version
        key = (name if sample is None else f"{name}/{sample}") + ("" if stands else f"@{version}")
        if key in nodes:
            return
        manifest = versions.manifest(name, sample, version)
        if manifest is None:
            nodes[key] = {"data_version": version, "stands": False, "kept": False}
            return
        for entry, read in manifest.inputs.items():
            upstream, _, partition = entry.partition("/")
            visit(upstream, partition or (sample if recipes[upstream].partitioned else None), read)
        nodes[key] = {
            "data_version": manifest.data_version,
            "stands": stands,
            "kept": True,
            "at": manifest.at.isoformat(),
            "run_id": manifest.run_id,
            "code_version": manifest.code_version,
            "config_hash": manifest.config_hash,
            "lock_hash": manifest.lock_hash,
            "inputs": manifest.inputs,
            "deliveries": manifest.deliveries,
            "checks": [c.model_dump() for c in manifest.checks],
            "rows": manifest.rows,
        }

    for own in _partitions(versions, recipes, asset) if samples is None else samples:
        standing = versions.current(asset, own)
        if standing is not None:
            visit(asset, own, standing.data_version)
    return {"asset": asset, "nodes": nodes}


def explanation_lines(tree: Mapping[str, Any]) -> list[str]:
    """The same for a person: the asked asset first, deliveries last."""
    if not tree["nodes"]:
        return [f"{tree['asset']} has no version yet; run hcc refresh"]
    below = [
        key for key in tree["nodes"] if key.partition("@")[0].partition("/")[0] != tree["asset"]
    ]
    lines = [f"{tree['asset']} rests on {len(below)} versions"]
    for key, node in reversed(list(tree["nodes"].items())):
        if not node["kept"]:
            lines.append(f"{key}  is no longer kept; the audit trail has the run that made it")
            continue
        failed = [c["name"] for c in node["checks"] if not c["passed"]]
        verdict = (
            f"checks failed: {', '.join(failed)}"
            if failed
            else f"{len(node['checks'])} checks passed"
        )
        lines.append(
            f"{key}  version {node['data_version']}  {node['at'][:19]} UTC  code {node['code_version']}  lock {node['lock_hash']}"
        )
        lines.append(
            f"    run {node['run_id'] or '-'}  {verdict}"
            + ("" if node["stands"] else "  (another version stands now)")
        )
        for path, content in sorted(node["deliveries"].items()):
            lines.append(f"    delivery {path}  sha256 {content}")
    return lines
