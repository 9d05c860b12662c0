"""A refresh on a small Ray cluster of this machine, as one program: ``python -m
hcc_assets_tests.operate.ray.cluster HOME``; the last line is JSON.

Ray listens on all interfaces whatever it is told, so `isolated` starts this program where there is
no interface but loopback, and where everything it started ends with it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

OBJECT_STORE = 80_000_000
NAMESPACES = (
    "unshare",
    "--map-root-user",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)


def isolation_problem() -> str | None:
    """Why a program cannot be started without network interfaces here, or None."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "unshare and ip are needed to keep Ray off the network"
    tried = subprocess.run(
        [*NAMESPACES, "ip", "link", "set", "lo", "up"], capture_output=True, check=False
    )
    return (
        None
        if tried.returncode == 0
        else "this machine allows no network namespace, which keeps Ray off the network"
    )


def isolated(
    *arguments: str | Path,
    module: str = "hcc_assets_tests.operate.ray.cluster",
    limit_s: float = 500,
) -> dict[str, Any]:
    """Run a module with loopback only, and read the JSON of its last line."""
    environment = {
        k: v for k, v in os.environ.items() if k not in ("DAGSTER_HOME", "HCC_HOME", "RAY_ADDRESS")
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "PATH": path,
    }
    command = [
        "sh",
        "-c",
        'ip link set lo up && exec "$@"',
        "sh",
        sys.executable,
        "-m",
        module,
        *map(str, arguments),
    ]
    done = subprocess.run(
        [*NAMESPACES, *command],
        capture_output=True,
        text=True,
        timeout=limit_s,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def start(folder: Path, *, nodes: int, cores: int, memory: int, dashboard: bool = False) -> Any:
    """A head without cores and ``nodes`` nodes of ``cores`` cores each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_TMPDIR"] = str(folder)  # where Ray notes the last cluster, beside its logs
    logs = folder / "ray"
    logs.mkdir(parents=True)
    head = {
        "num_cpus": 0,
        "object_store_memory": OBJECT_STORE,
        "include_dashboard": dashboard,
        "node_ip_address": "127.0.0.1",
        "temp_dir": str(logs),
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes):
        cluster.add_node(num_cpus=cores, memory=memory, object_store_memory=OBJECT_STORE)
    return cluster


def _kill_a_busy_node(root: Path, cluster: Any, killed: list[str]) -> None:
    """End a node the hard way while both work on a sample."""
    import dagster as dg

    from hcc_assets.home.paths import Home
    from hcc_assets.operate.instance import instance_of
    from hcc_assets.operate.ray.engine import TASK

    with instance_of(
        Home.at(root)
    ) as instance:  # by its lock: two first processes would make the databases twice
        for _ in range(600):
            time.sleep(0.2)
            runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
            if len([r for r in runs if TASK in r.tags]) >= 2:
                node = next(iter(cluster.worker_nodes))
                cluster.remove_node(node, allow_graceful=False)
                killed.append("node")
                return


def _runs(root: Path) -> list[dict[str, Any]]:
    """The runs of Ray tasks: sample, status, start and end."""
    import dagster as dg

    from hcc_assets.home.paths import Home
    from hcc_assets.operate.ray.engine import TASK

    with dg.DagsterInstance.from_config(str(Home.at(root).dagster_home)) as instance:
        return [
            {
                "sample": r.dagster_run.tags["dagster/partition"],
                "status": r.dagster_run.status.value,
                "start": r.start_time,
                "end": r.end_time,
            }
            for r in instance.get_run_records()
            if TASK in r.dagster_run.tags
        ]


def main() -> None:
    """Start the cluster, refresh, say what happened."""
    from hcc_assets.home.paths import Home
    from hcc_assets.operate.actions import refresh_home

    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--memory", type=int, default=3_000_000_000)
    parser.add_argument("--kill", action="store_true")
    asked = parser.parse_args()
    told: list[tuple[str, str]] = []
    killed: list[str] = []
    with tempfile.TemporaryDirectory(
        prefix="ray-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        cluster = start(Path(folder), nodes=asked.nodes, cores=asked.cores, memory=asked.memory)
        if asked.kill:
            threading.Thread(
                target=_kill_a_busy_node, args=(asked.root, cluster, killed), daemon=True
            ).start()
        started = time.monotonic()
        summary = refresh_home(
            Home.at(asked.root),
            jobs=None,
            memory_mb=None,
            progress=lambda *words: told.append(words),
            ray_address=cluster.address,
        )
        seconds = time.monotonic() - started
        cluster.shutdown()
    troubled = [[c.asset, c.sample, c.reason] for c in summary.troubled]
    print(
        json.dumps(
            {
                "seconds": seconds,
                "troubled": troubled,
                "told": told,
                "killed": killed,
                "runs": _runs(asked.root),
            }
        )
    )


if __name__ == "__main__":
    main()
