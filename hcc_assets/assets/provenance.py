"""Where a published number comes from: the manifests, followed from a file down to the delivery.

Nothing is recomputed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from hcc_assets.assets.definition import Asset
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.home.versions import Versions


def origin_of(
    home: Home, assets: Mapping[str, Asset], file: str
) -> tuple[str, list[str | None]] | None:
    """The asset that publishes ``file`` (a table, a figure, the report) or that it names, and the
    keys of the samples it is of; None when there is none.

    A figure is known by the manifests of the versions that stand, which name what they publish.
    """
    versions = Versions(home)
    stem = PurePosixPath(file.replace("\\", "/")).name.partition(".")[0]
    asset = "trial_report" if stem == "report" else stem
    if asset in assets:
        return asset, _partitions(versions, assets, asset)
    for one in assets.values():
        drew = [
            key
            for key in (_partitions(versions, assets, one.name) if one.figures else [])
            if (manifest := versions.current(one.name, key)) is not None
            and f"figures/{stem}.svg" in manifest.published
        ]
        if drew:
            return one.name, drew
    return None


def _partitions(versions: Versions, assets: Mapping[str, Asset], asset: str) -> list[str | None]:
    return [*versions.partitions(asset)] if assets[asset].per_sample else [None]


def explain_asset(
    home: Home,
    assets: Mapping[str, Asset],
    asset: str,
    keys: Sequence[str | None] | None = None,
) -> dict[str, Any]:
    """Everything the version that stands was made from: the versions that were read then, which
    need not be those that stand now.

    Parameters
    ----------
    keys
        Of a per-sample asset: keys of samples; all of them where not given.

    Returns
    -------
    dict
        ``asset`` and ``nodes``: one entry per version below it, inputs before what reads them,
        with code, lock, run, checks, deliveries. A node is named after its asset and sample id,
        with ``@version`` where that version does not stand any more; ``kept`` is false where it
        was removed since.
    """
    versions, people = Versions(home), read_people(home)
    nodes: dict[str, dict[str, Any]] = {}

    def visit(name: str, key: str | None, version: str) -> None:
        current = versions.current(name, key)
        stands = current is not None and version in (current.data_version, current.folder)
        label = name if key is None else f"{name}/{people.sample(key)}"
        label += "" if stands else f"@{version}"
        if label in nodes:
            return
        manifest = versions.manifest(name, key, version)
        if manifest is None:
            nodes[label] = {"data_version": version, "stands": False, "kept": False}
            return
        nodes[label] = {}  # it is being visited: a sample may rest on an earlier one of its asset
        for entry, read in manifest.inputs.items():
            upstream, _, own = entry.partition("@")[0].partition("/")
            if upstream in assets:
                visit(upstream, own or (key if assets[upstream].per_sample else None), read)
        del nodes[label]
        nodes[label] = {
            "data_version": manifest.data_version,
            "stands": stands,
            "kept": True,
            "at": manifest.at.isoformat(),
            "run_id": manifest.run_id,
            "code_version": manifest.code_version,
            "lock_hash": manifest.lock_hash,
            "settings": manifest.settings,
            "inputs": {people.in_ids(k): v for k, v in manifest.inputs.items()},
            "deliveries": {people.in_ids(k): v for k, v in manifest.deliveries.items()},
            "checks": [
                c.model_copy(update={"description": people.in_ids(c.description)}).model_dump()
                for c in manifest.checks
            ],
            "rows": manifest.rows,
        }

    for own in _partitions(versions, assets, asset) if keys is None else keys:
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
            f"{key}  version {node['data_version']}  {node['at'][:19]} UTC  code "
            f"{node['code_version']}  lock {node['lock_hash']}"
        )
        lines.append(
            f"    run {node['run_id'] or '-'}  {verdict}"
            + ("" if node["stands"] else "  (another version stands now)")
        )
        for path, content in sorted(node["deliveries"].items()):
            lines.append(f"    delivery {path}  sha256 {content}")
    return lines
