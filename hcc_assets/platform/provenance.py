"""Where a published number comes from: the manifests, followed from a file down to the delivery. Nothing is recomputed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from hcc_assets.platform.home import Home
from hcc_assets.platform.recipes import Recipe
from hcc_assets.platform.versions import Versions


def asset_of(file: str, recipes: Mapping[str, Recipe]) -> str | None:
    """The asset that publishes ``file`` (a table, a figure, the report) or that it names."""
    name = PurePosixPath(file.replace("\\", "/")).name
    stem = name.split(".")[0]
    if name == "report.html":
        return "trial_report" if "trial_report" in recipes else None
    if stem in recipes:
        return stem
    owners = [asset for asset in recipes if stem.startswith(asset)]
    return max(owners, key=len) if owners else None


def explain_asset(home: Home, recipes: Mapping[str, Recipe], asset: str) -> dict[str, Any]:
    """Everything the version that stands was made from: the versions that were read then, which need not be those that stand now.

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

    standing = versions.current(asset)
    if standing is not None:
        visit(asset, None, standing.data_version)
    return {"asset": asset, "nodes": nodes}


def explanation_lines(tree: Mapping[str, Any]) -> list[str]:
    """The same for a person: the asked asset first, deliveries last."""
    if not tree["nodes"]:
        return [f"{tree['asset']} has no version yet; run hcc refresh"]
    lines = [f"{tree['asset']} rests on {len(tree['nodes']) - 1} versions"]
    for key, node in reversed(list(tree["nodes"].items())):
        if not node["kept"]:
            lines.append(f"{key}  is no longer kept; the audit trail has the run that made it")
            continue
        failed = [c["name"] for c in node["checks"] if not c["passed"]]
        verdict = f"checks failed: {', '.join(failed)}" if failed else f"{len(node['checks'])} checks passed"
        lines.append(f"{key}  version {node['data_version']}  {node['at'][:19]} UTC  code {node['code_version']}  lock {node['lock_hash']}")
        lines.append(f"    run {node['run_id'] or '-'}  {verdict}" + ("" if node["stands"] else "  (another version stands now)"))
        for path, content in sorted(node["deliveries"].items()):
            lines.append(f"    delivery {path}  sha256 {content}")
    return lines
