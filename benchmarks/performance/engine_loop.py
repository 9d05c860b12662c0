"""Brings a home up to date by calling the same assets in a loop, without Dagster: what
Dagster's share is measured against.

``python -m benchmarks.performance.engine_loop HOME``. One process, one asset after the
other, as ``hcc refresh --jobs 1`` does; the same stores are written.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.waves import next_runs
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.paths import Home

ROUNDS = 20


def bring_up_to_date(home: Home) -> int:
    """Attempt what is stale until nothing is; returns the number of attempts.

    Raises
    ------
    RuntimeError
        Something is still stale after 20 rounds.
    """
    assets, tried, attempts = all_assets(), set[tuple[Node, str | None]](), 0
    Workbench(home, assets).register()
    for _ in range(ROUNDS):
        bench = Workbench(home, assets)
        plan = make_plan(bench)
        stale = {n: bench.fingerprint(assets[n[0]], n[1]) for n in plan.of("stale")}
        for node in (n for n in stale if (n, stale[n]) in tried):
            plan.states[node] = replace(plan.states[node], state="held")
        runs = next_runs(plan)
        if not runs:
            return attempts
        tried |= {(n, stale[n]) for run in runs for n in run.nodes if n in stale}
        for run in runs:
            for asset in run.assets:
                bench.attempt(asset, run.key, run_id="loop")
                attempts += 1
    raise RuntimeError("the home does not come to rest")


def main() -> None:
    """Bring one home up to date."""
    attempts = bring_up_to_date(Home.at(sys.argv[1]))
    print(json.dumps({"attempts": attempts, "dagster_imported": "dagster" in sys.modules}))


if __name__ == "__main__":
    main()
