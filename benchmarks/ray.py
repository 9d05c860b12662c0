"""What a second worker brings to the work on samples: one and two Ray nodes of one core, one and
two local processes, the same deliveries.

Run ``python -m benchmarks.ray`` where the extra ``ray`` is installed and two cores are free; the
load of the machine stands beside each figure. Whole times: joining the cluster, start of the
workers with their imports, all chains from delivered matrix to pseudobulk with Dagster's runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hcc_assets_tests.operate.ray.cluster import isolated, isolation_problem, start


def _base(root: Path, subjects: int, cells: int) -> None:
    """A home that is up to date but for its samples, which have yet to be worked on."""
    from hcc_assets.home.paths import Home
    from hcc_assets.operate.actions import refresh_home
    from hcc_assets.simulate.trial import simulate_trial

    simulate_trial(root, subjects=subjects, cells=cells, seed=0)
    with (root / "study.toml").open("a") as handle:
        handle.write("\n[samples]\nsettle_seconds = 0\n")
    refresh_home(Home.at(root), jobs=2, memory_mb=8000, progress=lambda *_: None)
    for asset in _per_sample():
        shutil.rmtree(root / "store" / asset)


def _per_sample() -> list[str]:
    from hcc_assets.catalogue.loading import all_assets

    return [name for name, asset in all_assets().items() if asset.per_sample]


def _timed(
    base: Path, folder: Path, engine: str, workers: int, address: str, subjects: int
) -> float:
    """Seconds for the samples of the first subjects of a copy of the home."""
    from hcc_assets.assets.plan import make_plan
    from hcc_assets.assets.view import HomeView
    from hcc_assets.assets.waves import next_runs
    from hcc_assets.catalogue.loading import all_assets
    from hcc_assets.home.paths import Home
    from hcc_assets.operate import workers as pool
    from hcc_assets.operate.instance import instance_of
    from hcc_assets.operate.ray.engine import RayWorkers
    from hcc_assets.operate.refresh import SampleWorkers
    from hcc_assets.operate.sensors import delivered_bytes

    for name in ("DAGSTER_HOME", "HCC_HOME"):
        os.environ.pop(name, None)
    root = folder / f"{engine}{workers}"
    shutil.copytree(base, root)
    home = Home.at(root)
    (home.locks / "refresh.lock").touch()
    view = HomeView(home, all_assets())
    chains: dict[str, list[str]] = {}
    for key in view.keys:
        chains.setdefault(view.rows[key].subject_id, []).append(key)
    chosen = sorted(chains.values(), key=lambda c: (-len(c), c))[:subjects]
    sizes = {key: delivered_bytes(view, key) for chain in chosen for key in chain}
    pool.WORTH_A_PROCESS = 0
    with instance_of(home) as instance:
        started = time.monotonic()
        at_work: SampleWorkers
        if engine == "ray":
            at_work = RayWorkers(home, instance, address=address, progress=lambda *_: None)
        else:
            at_work = pool.Workers(
                home, instance, jobs=workers, memory_mb=8000, progress=lambda *_: None
            )
        while True:
            plan = make_plan(HomeView(home, all_assets()))
            runs = [run for run in next_runs(plan) if run.key in sizes]
            if not runs:
                break
            at_work.run(runs, sizes)
        at_work.close()
        seconds = time.monotonic() - started
    made = {p.name for p in (root / "store" / "annotated_cells").iterdir()}
    assert made == set(sizes), "every sample was worked on"
    shutil.rmtree(root)
    return seconds


def _measure(base: Path, repeats: int, subjects: int) -> None:
    """Inside the network namespace: all figures as JSON."""
    found: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as logs,
        tempfile.TemporaryDirectory(dir=base.parent) as at,
    ):
        for repeat in range(repeats):
            for nodes in (1, 2):
                logs_of = Path(logs) / f"{repeat}{nodes}"
                cluster = start(logs_of, nodes=nodes, cores=1, memory=3_000_000_000)
                load = os.getloadavg()[0]
                found.append(
                    {
                        "engine": "ray",
                        "workers": nodes,
                        "load": load,
                        "seconds": _timed(base, Path(at), "ray", nodes, cluster.address, subjects),
                    }
                )
                cluster.shutdown()
            for jobs in (1, 2):
                load = os.getloadavg()[0]
                found.append(
                    {
                        "engine": "local",
                        "workers": jobs,
                        "load": load,
                        "seconds": _timed(base, Path(at), "local", jobs, "", subjects),
                    }
                )
    print(json.dumps({"found": found}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--cells", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--base", type=Path, help="where the prepared home is, or is to be and stay"
    )
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        _measure(asked.inside, asked.repeats, asked.subjects)
        return
    if problem := isolation_problem():
        sys.exit(problem)
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    ) as folder:
        base = asked.base or Path(folder) / "base"
        if not base.exists():
            _base(base, asked.subjects, asked.cells)
        found = isolated(
            "--inside",
            base,
            "--repeats",
            str(asked.repeats),
            "--subjects",
            str(asked.subjects),
            module="benchmarks.ray",
            limit_s=7200,
        )["found"]
    for engine in ("ray", "local"):
        one, two = (
            [f for f in found if f["engine"] == engine and f["workers"] == n] for n in (1, 2)
        )
        for figure in (*one, *two):
            print(
                f"{engine:5} {figure['workers']} worker(s)  {figure['seconds']:6.1f} s  load "
                f"before {figure['load']:.1f}"
            )
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(one, two, strict=True)]
        print(
            f"{engine:5} speed-up {statistics.median(ratios):.2f} (from {min(ratios):.2f} to "
            f"{max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
