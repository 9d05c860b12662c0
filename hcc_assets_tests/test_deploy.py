"""The examples in ``deploy/``: parsed, verified by the programs they are for where these are present, and what was not run said in the skip."""

from __future__ import annotations

import configparser
import contextlib
import datetime as dt
import http.server
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from hcc_assets.platform.alerts.channels import Channel
from hcc_assets.platform.alerts.delivery import Answer, deliver_due
from hcc_assets.platform.alerts.outbox import AlertStore
from hcc_assets.platform.alerts.records import Signal
from hcc_assets.platform.dagster_yaml import dagster_yaml
from hcc_assets.platform.scrubbing import scrub_database
from hcc_assets_tests.postgres_server import postgres_server

TOP = Path(__file__).resolve().parents[1]
DEPLOY = TOP / "deploy"
NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def scripts() -> set[str]:
    """Programs that the locked environment installs and a deployment calls."""
    return {"hcc", "dagster-daemon", "python", "dagster"}


# -- dagster.yaml ------------------------------------------------------------------------------------------------------------------------------


def test_dagster_accepts_the_shipped_settings(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(dagster_yaml(max_concurrent_runs=3))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled and instance.run_monitoring_enabled and not instance.run_retries_enabled
        assert instance.run_monitoring_max_runtime_seconds == 86400
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None and queue.max_concurrent_runs == 3 and {"key": "hcc/tables", "limit": 1} in queue.tag_concurrency_limits
        assert "MONITORING" in instance.get_required_daemon_types()


def test_the_database_password_is_not_written_into_dagster_yaml() -> None:
    text = dagster_yaml("postgresql+psycopg2://hcc:topsecret@127.0.0.1/hcc")
    assert "topsecret" not in text and yaml.safe_load(text)["storage"] == {"postgres": {"postgres_url": {"env": "HCC_DATABASE_URL"}}}
    for wrong in ("postgresql://hcc:topsecret@h/d", "mysql://x"):
        with pytest.raises(ValueError, match="HCC_DATABASE_URL") as caught:
            dagster_yaml(wrong)
        assert "topsecret" not in str(caught.value)
    with pytest.raises(ValueError, match="max_concurrent_runs"):
        dagster_yaml(max_concurrent_runs=0)


def test_the_postgres_example_has_the_settings_of_the_shipped_one() -> None:
    example, shipped = yaml.safe_load((DEPLOY / "dagster.postgres.yaml").read_text()), yaml.safe_load(dagster_yaml())
    assert example.pop("storage")["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"
    assert example == shipped


def test_dagster_runs_on_postgres_with_both_settings(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sa.make_url(postgres)
    monkeypatch.setenv("HCC_DATABASE_URL", postgres)
    for name, value in (("USER", "hcc"), ("PASSWORD", "unused"), ("HOST", "127.0.0.1"), ("NAME", "postgres")):
        monkeypatch.setenv(f"HCC_DB_{name}", value)
    samples = dg.DynamicPartitionsDefinition(name="sample")

    @dg.asset(partitions_def=samples, check_specs=[dg.AssetCheckSpec("counts_are_counts", asset="raw_counts")])
    def raw_counts(context):
        yield dg.AssetCheckResult(passed=False, check_name="counts_are_counts", severity=dg.AssetCheckSeverity.WARN)
        yield dg.MaterializeResult()

    example = (DEPLOY / "dagster.postgres.yaml").read_text().replace("port: 5432", f"port: {url.port}")
    for i, text in enumerate((dagster_yaml(postgres), example)):
        folder = tmp_path / str(i)
        folder.mkdir()
        (folder / "dagster.yaml").write_text(text)
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            sample = f"SURU-017-{i}"
            instance.add_dynamic_partitions("sample", [sample])
            assert dg.materialize([raw_counts], instance=instance, partition_key=sample).success
            assert sample in instance.get_materialized_partitions(dg.AssetKey("raw_counts"))
    engine = sa.create_engine(postgres, poolclass=sa.NullPool)
    assert scrub_database(engine, {"SURU-017-0": "erased-1"}) > 0
    with dg.DagsterInstance.from_config(str(tmp_path / "0")) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey("raw_counts")) == {"erased-1", "SURU-017-1"}
        assert set(instance.get_dynamic_partitions("sample")) == {"erased-1", "SURU-017-1"}


def _observe(url: str) -> int:
    store = AlertStore(url)
    store.observe([Signal(asset="subjects", check="c", title="t")], NOW, channels=["mailto-1"])
    return deliver_due(store, [Channel("mailto-1", "x")], NOW, send=lambda *_: Answer(True)).sent


def test_the_alert_outbox_works_on_postgres_also_for_several_first_processes(postgres: str) -> None:
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert sum(pool.map(_observe, [postgres] * 4)) == 1
    store = AlertStore(postgres)
    assert len(store.open_alerts()) == 1 and store.forget(["subjects"]) >= 1 and store.open_alerts() == []


# -- systemd -----------------------------------------------------------------------------------------------------------------------------------

UNITS = sorted(p.name for p in (DEPLOY / "systemd").iterdir() if p.suffix in (".service", ".timer"))


@pytest.mark.parametrize("unit", [u for u in UNITS if u.endswith(".service")])
def test_units_start_what_exists_as_a_user_of_their_own(unit: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / "systemd" / unit)
    service = parser["Service"]
    command = shlex.split(service["ExecStart"])
    assert Path(command[0]).name in scripts() and command[0].startswith("/opt/hcc-assets/.venv/bin/")
    if command[0].endswith("/hcc"):
        assert_hcc_command(command[1:])
    assert service["User"] == "hcc" and service["NoNewPrivileges"] == "true" and service["ProtectSystem"] == "strict"


def assert_hcc_command(arguments: list[str]) -> None:
    """The command and its options are known to the program."""
    done = subprocess.run([sys.executable, "-m", "hcc_assets", arguments[0], "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert {a for a in arguments[1:] if a.startswith("--")} <= set(re.findall(r"--[a-z-]+", done.stdout))


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_verifies_the_units(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not on this machine: units were parsed, not verified")
    for other in UNITS:
        text = (DEPLOY / "systemd" / other).read_text()
        (tmp_path / other).write_text(re.sub(r"/opt/hcc-assets/\.venv/bin/\S+", sys.executable, text))
    done = subprocess.run([program, "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "hcc-" in line]
    assert done.returncode == 0 and said == [], done.stderr


def test_the_refresh_timer_catches_up() -> None:
    assert "Persistent=true" in (DEPLOY / "systemd" / "hcc-refresh.timer").read_text()


# -- nginx -------------------------------------------------------------------------------------------------------------------------------------


def test_the_proxy_asks_for_a_password_and_shields_the_report_endpoints() -> None:
    text = re.sub(r"#.*", "", (DEPLOY / "nginx" / "hcc.conf").read_text())
    assert text.count("{") == text.count("}")
    for line in (
        "auth_basic_user_file",
        "location ~ ^/report_asset_",
        "return 403",
        "proxy_pass http://127.0.0.1:3000",
        'Authorization ""',
        "access_log off",
        "$http_host",
    ):
        assert line in text


class Backend(http.server.BaseHTTPRequestHandler):
    """Stands for the web UI; answers with the headers it got."""

    def do_GET(self) -> None:
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[int]:
    program, openssl = shutil.which("nginx"), shutil.which("openssl")
    if program is None or openssl is None:
        pytest.skip("nginx (or openssl) is not on this machine: the example was read, not run")
    certificate = ["-keyout", f"{tmp_path}/hcc.key", "-out", f"{tmp_path}/hcc.crt", "-subj", "/CN=trial.example.org", "-days", "1"]
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *certificate], check=True, capture_output=True)
    (tmp_path / "hcc.htpasswd").write_text("reader:{PLAIN}word\n")
    backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    port = _port()
    text = (DEPLOY / "nginx" / "hcc.conf").read_text().replace("/etc/nginx/", f"{tmp_path}/")
    text = text.replace("127.0.0.1:3000", f"127.0.0.1:{backend.server_address[1]}").replace("listen 443 ", f"listen 127.0.0.1:{port} ")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{_port()};")
    (tmp_path / "site.conf").write_text(text)
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (tmp_path / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{\n{temporary}include {tmp_path}/site.conf;\n}}\n" + ("user root;\n" if os.geteuid() == 0 else "")
    )
    command = [program, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
    server = subprocess.Popen(command)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=10)
        backend.shutdown()


def fetch(port: int, path: str, authorization: str | None = None) -> tuple[int, str]:
    context = ssl._create_unverified_context()
    request = urllib.request.Request(
        f"https://127.0.0.1:{port}{path}", headers={"Cookie": "hcc_ui=t", **({"Authorization": authorization} if authorization else {})}
    )
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_the_proxy_as_it_runs(nginx: int) -> None:
    assert fetch(nginx, "/")[0] == 401
    assert fetch(nginx, "/", "Basic cmVhZGVyOndyb25n")[0] == 401
    status, seen = fetch(nginx, "/graphql?query=%7Bversion%7D", "Basic cmVhZGVyOndvcmQ=")
    assert status == 200 and "Authorization" not in seen and "hcc_ui=t" in seen and f"127.0.0.1:{nginx}" in seen
    assert fetch(nginx, "/report_asset_check/subjects", "Basic cmVhZGVyOndvcmQ=")[0] == 403


# -- containers --------------------------------------------------------------------------------------------------------------------------------


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text())


def test_compose_publishes_on_loopback_only_and_keeps_no_password() -> None:
    services = compose()["services"]
    assert set(services) == {"database", "ui", "daemon"}
    assert [p for s in services.values() for p in s.get("ports", [])] == ["127.0.0.1:3000:3000"]
    assert services["database"]["environment"]["POSTGRES_PASSWORD"].startswith("${HCC_DB_PASSWORD:?")
    assert services["ui"]["environment"]["HCC_DATABASE_URL"].startswith("postgresql+psycopg2://hcc:${HCC_DB_PASSWORD:?")
    assert set(compose()["volumes"]) == {"database", "dagster"}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services) - {name}
    for service in (services["ui"], services["daemon"]):
        assert service["command"][0] in scripts() and service["cap_drop"] == ["ALL"] and service["read_only"]
    assert_hcc_command(services["ui"]["command"][1:])


def test_docker_itself_accepts_the_compose_file() -> None:
    program = shutil.which("docker")
    present = program and subprocess.run([program, "compose", "version"], capture_output=True, timeout=30).returncode == 0
    if not present:
        pytest.skip("docker compose is not on this machine: the file was parsed, neither validated by docker nor started")
    command = [program, "compose", "-f", str(DEPLOY / "docker-compose.yaml"), "config", "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "HCC_DB_PASSWORD": "x"}, timeout=60)


def test_the_image_copies_what_exists_runs_as_nobody_special_and_checks_hashes() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) (.+)$", re.sub(r"\\\n", "", text), flags=re.MULTILINE)
    for name, rest in instructions:
        if name == "COPY":
            assert all((TOP / source).exists() for source in rest.split()[:-1]), rest
    assert "--require-hashes" in text and ("USER", "hcc") in instructions
    command = yaml.safe_load(next(rest for name, rest in instructions if name == "CMD" and rest.startswith('["hcc"')))
    assert_hcc_command(command[1:])
    assert [name for name, _ in instructions].index("USER") > max(i for i, (name, _) in enumerate(instructions) if name == "RUN")


def test_kubernetes_values_are_read_only_and_agree_with_the_shipped_settings() -> None:
    values = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
    shipped = yaml.safe_load(dagster_yaml())
    assert values["dagsterWebserver"]["enableReadOnly"] is True and values["telemetry"]["enabled"] is False
    assert values["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
    monitoring = values["dagsterDaemon"]["runMonitoring"]
    assert monitoring["maxRuntimeSeconds"] == shipped["run_monitoring"]["max_runtime_seconds"]
    queue = values["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue["maxConcurrentRuns"] == shipped["concurrency"]["runs"]["max_concurrent_runs"]
    (code,) = values["dagster-user-deployments"]["deployments"]
    assert code["dagsterApiGrpcArgs"] == ["--module-name", "hcc_assets.definitions"]
    text = (DEPLOY / "kubernetes" / "values.yaml").read_text()
    assert f"--version {dg.__version__}" in text  # the chart's version goes with the library's


def test_helm_accepts_the_values() -> None:
    pytest.skip("helm and the chart are not on this machine: the values were parsed and compared, not rendered or installed")
