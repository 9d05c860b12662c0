"""Values for Dagster's Helm chart: against the shipped settings, against the chart's schema,
rendered. The chart is not in this repository.

``HCC_HELM_CHART`` names an unpacked chart; without it, and for rendering without a ``helm`` program
(or the Python package helm-python-sdk), a skip that says so. Nothing is installed into a cluster
anywhere.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config
from dagster._core.launcher import DefaultRunLauncher

from hcc_assets.operate.dagster_yaml import dagster_yaml
from hcc_assets.operate.kubernetes import TAG, run_tags, sample_resources
from hcc_assets.operate.workers import estimate_mb

VALUES = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes" / "values.yaml"
CHART = "HCC_HELM_CHART"
Json = dict[str, Any]


def values() -> Json:
    return yaml.safe_load(VALUES.read_text())


def test_the_values_agree_with_the_shipped_settings() -> None:
    given, shipped = values(), yaml.safe_load(dagster_yaml(max_concurrent_runs=4))
    assert given["dagsterWebserver"]["replicaCount"] == 0 and given["telemetry"]["enabled"] is False
    assert (
        given["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
        and given["generatePostgresqlPasswordSecret"] is False
    )
    assert (
        given["dagsterDaemon"]["runMonitoring"]["maxRuntimeSeconds"]
        == shipped["run_monitoring"]["max_runtime_seconds"]
    )
    queue = given["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    runs = shipped["concurrency"]["runs"]
    assert (queue["maxConcurrentRuns"], queue["tagConcurrencyLimits"]) == (
        runs["max_concurrent_runs"],
        runs["tag_concurrency_limits"],
    )
    kept = {"schedule": "schedule", "sensor": "sensor", "auto_materialize": "autoMaterialize"}
    for name, chart_name in kept.items():
        assert given["retention"][chart_name]["purgeAfterDays"] == shipped["retention"][name][
            "purge_after_days"
        ] | {"started": -1}
    assert given["additionalInstanceConfig"]["freshness"] == shipped["freshness"]
    (code,) = given["dagster-user-deployments"]["deployments"]
    assert code["dagsterApiGrpcArgs"] == ["--module-name", "hcc_assets.definitions"]
    assert (
        f"--version {dg.__version__}" in VALUES.read_text()
    )  # the chart's version goes with the library's


class K8sRunLauncher(DefaultRunLauncher):
    """Named as the one of dagster-k8s, which cannot be made outside a cluster."""


def test_a_sample_asks_for_the_memory_of_the_measured_slope_and_only_where_runs_are_pods() -> None:
    with dg.DagsterInstance.ephemeral() as here:
        assert run_tags(here, 10**9) == {}
    pods: Any = SimpleNamespace(run_launcher=K8sRunLauncher())
    tag = json.loads(run_tags(pods, 80_000_000)[TAG])
    assert tag["container_config"]["resources"] == sample_resources(80_000_000)
    small, large = sample_resources(0), sample_resources(100_000_000)
    assert (
        small["requests"]["memory"] == f"{estimate_mb(0):.0f}M"
        and large["requests"]["memory"] == f"{estimate_mb(100_000_000):.0f}M"
    )
    assert all(
        float(r["limits"]["memory"][:-1]) >= 1.5 * float(r["requests"]["memory"][:-1])
        for r in (small, large)
    )


def test_dagster_k8s_accepts_the_resources_of_runs() -> None:
    from dagster import _check
    from dagster._config import process_config
    from dagster_k8s.job import UserDefinedDagsterK8sConfig
    from dagster_k8s.launcher import K8sRunLauncher as Real

    config = values()["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    names = {
        "containerConfig": "container_config",
        "podSpecConfig": "pod_spec_config",
        "jobSpecConfig": "job_spec_config",
    }
    for given in (
        {names[k]: v for k, v in config.items()},
        {"container_config": {"resources": sample_resources(80_000_000)}},
    ):
        assert UserDefinedDagsterK8sConfig.from_dict(given).to_dict()
    with pytest.raises((_check.CheckError, Exception), match="memori"):
        UserDefinedDagsterK8sConfig.from_dict({"pod_spec_config": {"memori": 1}})
    launcher = {
        "service_account_name": "hcc",
        "instance_config_map": "i",
        "dagster_home": "/x",
        "postgres_password_secret": "s",
    }
    assert process_config(
        Real.config_type(), {**launcher, "run_k8s_config": {names[k]: v for k, v in config.items()}}
    ).success


def merged(base: Any, over: Any) -> Any:
    """As helm lays values over a chart's own."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            k: merged(base.get(k), over[k]) if k in over else base[k]
            for k in (*base, *(k for k in over if k not in base))
        }
    return over


@pytest.fixture
def chart() -> Path:
    if not os.environ.get(CHART):
        pytest.skip(
            f"Dagster's Helm chart is not here ({CHART} names no folder): the values were "
            "compared, neither checked against its schema nor rendered"
        )
    return Path(os.environ[CHART])


def within_the_chart(schema: Any) -> Any:
    """The schema without its references to Kubernetes' own definitions on the web: those parts are
    dagster-k8s' to judge, above."""
    if isinstance(schema, Mapping):
        if str(schema.get("$ref", "")).startswith("https://"):
            return {}
        return {k: within_the_chart(v) for k, v in schema.items()}
    return [within_the_chart(v) for v in schema] if isinstance(schema, list) else schema


def test_the_schema_of_the_chart_accepts_the_values_and_no_misspelt_ones(chart: Path) -> None:
    from jsonschema import Draft7Validator

    given = merged(yaml.safe_load((chart / "values.yaml").read_text()), values())
    below = chart / "charts" / "dagster-user-deployments"
    code = merged(
        yaml.safe_load((below / "values.yaml").read_text()), given["dagster-user-deployments"]
    ) | {"global": given["global"]}
    for folder, part in ((chart, given), (below, code)):
        judge = Draft7Validator(
            within_the_chart(json.loads((folder / "values.schema.json").read_text()))
        )
        assert [f"{list(e.path)}: {e.message}" for e in judge.iter_errors(part)] == []
    judge = Draft7Validator(
        within_the_chart(json.loads((chart / "values.schema.json").read_text()))
    )
    wrong = copy.deepcopy(given)
    wrong["dagsterWebserver"]["replicaCount"] = "many"
    wrong["runLauncher"]["type"] = "NoLauncher"
    assert len(list(judge.iter_errors(wrong))) == 2


def rendered(chart: Path, folder: Path) -> list[Json]:
    """Every object of the release; the schemas are left out, since they refer to the web."""
    plain = Path(shutil.copytree(chart, folder / "chart"))
    for schema in plain.rglob("values.schema.json"):
        schema.unlink()
    if program := shutil.which("helm"):
        command = [program, "template", "hcc", str(plain), "--namespace", "hcc", "-f", str(VALUES)]
        texts = [
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        ]
    else:
        helm = pytest.importorskip(
            "helm_python",
            reason="neither helm nor helm-python-sdk is on this machine: the values were not "
            "rendered",
        )
        with helm.Chart.load(str(plain)) as loaded:
            files = loaded.render(values(), name="hcc", namespace="hcc")
        texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [thing for text in texts for thing in yaml.safe_load_all(text) if thing]


def test_what_the_chart_makes_of_the_values(chart: Path, tmp_path: Path) -> None:
    things = rendered(chart, tmp_path)
    kinds: dict[str, list[Json]] = {}
    for thing in things:
        kinds.setdefault(thing["kind"], []).append(thing)
    # no password of the chart's own, no way in from outside
    assert not {"Secret", "Ingress"} & set(kinds)
    assert {s["spec"].get("type", "ClusterIP") for s in kinds["Service"]} == {"ClusterIP"}
    pods = {d["metadata"]["name"]: d["spec"]["template"] for d in kinds["Deployment"]}
    assert set(pods) == {
        "hcc-dagster-webserver",
        "hcc-dagster-daemon",
        "hcc-dagster-user-deployments-hcc-assets",
    }
    # an unguarded webserver is not started, and would be reached by no pod
    assert [
        d["spec"]["replicas"] for d in kinds["Deployment"] if "webserver" in d["metadata"]["name"]
    ] == [0]
    (closed,) = kinds["NetworkPolicy"]
    assert closed["spec"]["ingress"] == [] and closed["spec"]["policyTypes"] == ["Ingress"]
    chosen = closed["spec"]["podSelector"]["matchLabels"].items()
    assert [name for name, pod in pods.items() if chosen <= pod["metadata"]["labels"].items()] == [
        "hcc-dagster-webserver"
    ]
    (code,) = pods["hcc-dagster-user-deployments-hcc-assets"]["spec"]["containers"]
    assert (
        code["securityContext"]["runAsNonRoot"]
        and {"name": "HCC_HOME", "value": "/data/home"} in code["env"]
    )
    assert "hcc-postgresql" in json.dumps(pods)

    (text,) = [
        c["data"]["dagster.yaml"]
        for c in kinds["ConfigMap"]
        if "dagster.yaml" in (c.get("data") or {})
    ]
    (tmp_path / "dagster.yaml").write_text(text)
    settings = yaml.safe_load(text)
    assert settings["run_retries"] == {
        "enabled": True,
        "max_retries": 2,
        "retry_on_asset_or_op_failure": False,
    }
    assert settings["run_launcher"]["class"] == "K8sRunLauncher" and settings["freshness"] == {
        "enabled": True
    }
    for storage in ("run_storage", "event_log_storage", "schedule_storage"):
        assert settings[storage]["config"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    dagster_instance_config(str(tmp_path))  # raises where Dagster does not know a key
