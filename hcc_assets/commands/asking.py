"""Commands that answer a question: why is it stale, where does it come from. What they know is
elsewhere; here is what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hcc_assets.commands.common import readable_home, say, with_home, with_json
from hcc_assets.home.paths import Home

if TYPE_CHECKING:
    from hcc_assets.assets.kind import Node
    from hcc_assets.assets.plan import Plan
    from hcc_assets.assets.view import HomeView


@click.command()
@click.argument("file")
@with_json
@with_home
def explain(home: Home, file: str, as_json: bool) -> None:
    """Where a published file comes from: inputs down to deliveries, hashes, code and checks."""
    from hcc_assets.assets.provenance import explain_asset, explanation_lines, origin_of
    from hcc_assets.catalogue.loading import all_assets

    assets = all_assets()
    origin = origin_of(readable_home(home), assets, file)
    if origin is None:
        raise click.UsageError(
            f"{Path(file).name} is neither a table nor a figure of a version that stands; "
            f"hcc explain takes any file of {home.published}"
        )
    tree = explain_asset(home, assets, *origin)
    say(tree, as_json, explanation_lines(tree))


@click.command()
@click.argument("asset")
@click.option("--sample", default=None, help="Of a per-sample asset: the id of the sample.")
@with_json
@with_home
def why(home: Home, asset: str, sample: str | None, as_json: bool) -> None:
    """Which input, delivery, setting or code makes an asset stale, or that it is fresh."""
    from hcc_assets.assets.plan import make_plan
    from hcc_assets.assets.view import HomeView
    from hcc_assets.catalogue.loading import all_assets
    from hcc_assets.operate.actions import forced_nodes

    view = HomeView(readable_home(home), all_assets())
    try:
        nodes = forced_nodes(view, [f"{asset}@{sample}" if sample else asset])
    except LookupError as unknown:
        raise click.UsageError(str(unknown)) from None
    plan = make_plan(view)
    found = [_why(view, plan, node) for node in nodes]
    lines = [line for one in found for line in _why_lines(one)]
    say({"asset": asset, "nodes": found}, as_json, lines)


def _why(view: HomeView, plan: Plan, node: Node) -> dict[str, Any]:
    state = plan.states[node]
    waiting = [up for up in plan.upstream(node) if up in plan.dirty]
    return {
        "asset": node[0],
        "sample": view.people.sample(node[1]) if node[1] else None,
        "state": state.state,
        "reasons": [view.people.in_ids(reason) for reason in state.reasons],
        "after": sorted({view.people.in_ids("/".join(filter(None, up))) for up in waiting}),
        "since": state.since or None,
    }


def _why_lines(one: dict[str, Any]) -> list[str]:
    where = one["asset"] + (f" of {one['sample']}" if one["sample"] else "")
    since = f" since {one['since'][:16]} UTC" if one["since"] else ""
    lines = [f"{where} is {one['state']}{since if one['state'] == 'fresh' else ''}"]
    lines += [f"  {reason}" for reason in one["reasons"]]
    if one["after"]:
        lines.append(f"  and it follows {', '.join(one['after'][:6])}, to be computed before")
    return lines


COMMANDS = (why, explain)
