"""Brings a home up to date by calling the same recipes in a loop, without Dagster: what Dagster's
share is measured against.

``python -m benchmarks.performance.engine_loop HOME``. One process, one asset after the other, as
``hcc refresh --jobs 1`` does; the same stores are written.
"""

from __future__ import annotations

import json
import sys

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import Node, make_plan
from hcc_assets.defs.catalogue import all_recipes
from hcc_assets.home.paths import Home

ROUNDS = 20


def bring_up_to_date(home: Home) -> int:
    """Attempt what is stale until nothing is; returns the number of attempts.

    Raises
    ------
    RuntimeError
        Something is still stale after 20 rounds.
    """
    recipes, tried, attempts = all_recipes(), set[tuple[Node, str | None]](), 0
    for _ in range(ROUNDS):
        bench = Workbench(home, recipes)
        plan = make_plan(bench)
        todo = [(n, bench.fingerprint(recipes[n[0]], n[1])) for n in plan.states if n in plan.dirty]
        todo = [t for t in todo if t not in tried]
        if not todo:
            return attempts
        for node, fingerprint in todo:
            bench.attempt(*node, run_id="loop")
            attempts += 1
            tried.add((node, fingerprint))
    raise RuntimeError("the home does not come to rest")


def main() -> None:
    """Bring one home up to date."""
    attempts = bring_up_to_date(Home.at(sys.argv[1]))
    print(json.dumps({"attempts": attempts, "dagster_imported": "dagster" in sys.modules}))


if __name__ == "__main__":
    main()
