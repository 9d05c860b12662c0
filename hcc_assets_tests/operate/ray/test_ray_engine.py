"""The Ray engine without Ray: options, what is said when something is missing, and what is done
about a task that is lost."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from hcc_assets.assets.attempts import StaleWriter
from hcc_assets.assets.waves import Run
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.commands import hcc
from hcc_assets.home.paths import Home
from hcc_assets.operate.build import home_of
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.ray import engine as ray_engine
from hcc_assets.operate.ray import job as ray_job
from hcc_assets.operate.ray import site as ray_site
from hcc_assets.operate.watch.life import PID, SEVERAL_PROCESSES, living_run


@pytest.fixture
def home(place: Path) -> Home:
    (place / "home" / "landing").mkdir(parents=True)
    return Home.at(place / "home")


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with instance_of(home) as opened:
        yield opened


def refresh(home: Home, *words: str) -> Result:
    return CliRunner().invoke(hcc, ["refresh", "--home", str(home.root), *words])


def test_without_ray_the_command_that_installs_it_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_site, "has_module", lambda _: False)
    result = refresh(home, "--engine", "ray")
    assert result.exit_code == 2
    assert (
        "pip install 'hcc-assets[ray]'" in result.output
        and "requirements-ray.lock" in result.output
    )
    assert not (home.dagster_home / "dagster.yaml").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "ray", "--jobs", "2"), "--jobs and --memory are for this machine"),
        (("--engine", "ray", "--memory", "4000"), "--jobs and --memory are for this machine"),
        (("--address", "auto"), "--address needs --engine ray"),
        (("--engine", "dask"), "'dask' is not one of"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    home: Home, words: tuple[str, ...], said: str
) -> None:
    result = refresh(home, *words)
    assert result.exit_code == 2 and said in result.output


def test_the_job_is_defined_only_where_the_extra_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_job, "has_module", lambda name: name == "ray")
    assert not ray_job.ray_definitions(home_of(""), all_assets()).jobs


def test_a_run_of_several_processes_is_not_tied_to_one_of_them(
    home: Home, instance: dg.DagsterInstance
) -> None:
    for tags, tied in (({SEVERAL_PROCESSES: "yes"}, False), ({}, True)):
        run = instance.create_run_for_job(_job(), tags=tags)
        with living_run(instance, run.run_id, heartbeats=home.heartbeats, known_tags=run.tags):
            assert (home.heartbeats / f"{run.run_id}.beat").exists()
        found = instance.get_run_by_id(run.run_id)
        assert found is not None and (PID in found.tags) is tied


def _job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None:
        """No work."""

    @dg.job
    def empty() -> None:
        nothing()

    return empty


class Lost(Exception):
    """What Ray raises for a lost node."""


class StandIn(types.ModuleType):
    """As much of Ray as `RayWorkers` asks: tasks run when their result is taken, unless ``fate``
    says that their node is lost."""

    def __init__(self, nodes: list[dict[str, Any]]) -> None:
        super().__init__("ray")
        self.found, self.asked, self.open = nodes, [], {}  # type: ignore[var-annotated]
        self.fate: list[bool] = []
        names = (
            "RayTaskError",
            "OutOfMemoryError",
            "WorkerCrashedError",
            "RuntimeEnvSetupError",
            "TaskCancelledError",
            "TaskUnschedulableError",
        )
        self.exceptions = types.SimpleNamespace(
            NodeDiedError=Lost, **{n: type(n, (Exception,), {}) for n in names}
        )
        self.before_loss = lambda *_: None

    def init(self, **_: Any) -> None:
        """Joined."""

    def shutdown(self) -> None:
        """Left."""

    def nodes(self) -> list[dict[str, Any]]:
        return self.found

    def remote(self, work: Any) -> Any:
        def options(**asked: Any) -> Any:
            def send(*arguments: Any) -> int:
                self.asked.append(asked)
                self.open[len(self.asked)] = (work, arguments)
                return len(self.asked)

            return types.SimpleNamespace(remote=send)

        return types.SimpleNamespace(options=options)

    def wait(self, references: list[int], **_: Any) -> tuple[list[int], list[int]]:
        return references[:1], references[1:]

    def get(self, reference: int) -> str:
        work, arguments = self.open[reference]
        if self.fate and self.fate.pop(0):
            self.before_loss(*arguments)
            raise Lost
        run: str = work(*arguments)
        return run


def node(memory: float, host: str | None = None) -> dict[str, Any]:
    import socket

    return {
        "Alive": True,
        "NodeManagerHostname": host or socket.gethostname(),
        "Resources": {"CPU": 1.0, "memory": memory},
    }


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    import sys

    stand_in = StandIn([node(1e9), node(4e9)])
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    monkeypatch.setattr(ray_engine, "require_ray", lambda: None)
    monkeypatch.setattr(ray_engine, "answering", lambda address: address)
    return stand_in


def workers(
    home: Home, instance: dg.DagsterInstance, told: list[tuple[str, str]]
) -> ray_engine.RayWorkers:
    return ray_engine.RayWorkers(
        home, instance, address="auto", progress=lambda *words: told.append(words)
    )


def test_sqlite_serves_one_host_only(
    home: Home, instance: dg.DagsterInstance, ray: StandIn
) -> None:
    ray.found.append(node(4e9, "another"))
    with pytest.raises(ray_site.RayUnfit, match=r"other hosts.*another.*SQLite.*HCC_DATABASE_URL"):
        workers(home, instance, [])


def of(key: str) -> Run:
    return Run(key, ("raw_counts",))


def test_a_lost_task_is_closed_and_sent_again_with_more_memory(
    home: Home, instance: dg.DagsterInstance, ray: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    left: list[str] = []

    def begun(site: ray_site.Site, task: str, run: Run) -> None:
        made = instance.create_run_for_job(_job(), tags={ray_engine.TASK: task})
        instance.report_engine_event("begun", made)
        left.extend([task, made.run_id])

    monkeypatch.setattr(ray_engine, "_work", lambda site, task, run: f"run of {run.key}")
    ray.before_loss, ray.fate = begun, [True]
    found = workers(home, instance, told)
    assert found.run([of("s0001-a")], {"s0001-a": 40_000_000}) == ["run of s0001-a"]
    assert [state for _, state in told] == ["sent again: its node was lost", "done (1 of 1)"]
    assert [a["memory"] for a in ray.asked] == [1_010_000_000, 2_020_000_000]
    assert all(a["max_retries"] == 0 and a["num_cpus"] == 1 for a in ray.asked)
    task, run_id = left
    run = instance.get_run_by_id(run_id)
    assert run is not None and run.status is dg.DagsterRunStatus.FAILURE
    assert ray_engine.given_up(instance, task)


def test_a_node_that_was_cut_off_begins_nothing_that_was_given_up(
    home: Home, instance: dg.DagsterInstance, ray: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back after its task was sent to another: neither its task nor a run that it began
    in between goes on."""
    home.locks.mkdir(parents=True)
    (home.locks / "refresh.lock").touch()
    given: list[tuple[Any, ...]] = []
    late: list[str] = []
    real = ray_engine._work

    def elsewhere(site: ray_site.Site, task: str, run: Run) -> str:
        begun = instance.create_run_for_job(_job(), tags={ray_engine.TASK: given[0][1]})
        late.append(begun.run_id)
        return "a run"

    monkeypatch.setattr(ray_engine, "_work", elsewhere)
    ray.before_loss, ray.fate = lambda *arguments: given.append(arguments), [True]
    assert workers(home, instance, []).run([of("s0001-a")], {}) == ["a run"]
    with pytest.raises(StaleWriter, match="was given up"):
        real(*given[0])
    run = instance.get_run_by_id(late[0])
    assert run is not None and run.status is dg.DagsterRunStatus.FAILURE


def test_a_task_that_is_lost_each_time_is_told_and_the_others_go_on(
    home: Home, instance: dg.DagsterInstance, ray: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(ray_engine, "_work", lambda site, task, run: "a run")
    ray.fate = [True, False, True, True]
    found = workers(home, instance, told)
    sizes = {"s0001-a": 200_000_000, "s0002-a": 0}
    assert found.run([of("s0001-a"), of("s0002-a")], sizes) == ["a run"]
    assert ("sample s0001-a", "failed: its node was lost, 3 times") in told
    assert ("sample s0002-a", "done (1 of 2)") in told
    assert max(a["memory"] for a in ray.asked) == 4_000_000_000, (
        "never more than the largest node has, or it would wait for ever"
    )


def test_a_node_that_lacks_something_says_what(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    right = ray_site.Site(
        str(home.root), str(home.dagster_home), ray_site.code_digest(), None, False
    )
    assert "does not see" in str(right.problem())
    home.locks.mkdir(parents=True)
    (home.locks / "refresh.lock").touch()
    assert right.problem() is None
    monkeypatch.delenv("HCC_DATABASE_URL", raising=False)
    for other, said in (
        ({"code": "other"}, "another version of hcc_assets"),
        ({"database": True}, "has no HCC_DATABASE_URL"),
        ({"only_host": f"not {socket.gethostname()}"}, "SQLite"),
        ({"root": str(home.root) + "x"}, "does not see the home"),
    ):
        assert said in str(ray_site.Site(**{**vars(right), **other}).problem())
