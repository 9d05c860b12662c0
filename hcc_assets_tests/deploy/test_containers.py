"""``Dockerfile`` and ``docker-compose.yaml``: read, judged by hadolint and by docker compose where
they are. Nothing is built or started here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from hcc_assets_tests.test_deploy import assert_hcc_command, scripts

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "deploy"


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "docker-compose.yaml").read_text())


def test_compose_publishes_on_loopback_only_and_keeps_no_password() -> None:
    services = compose()["services"]
    assert set(services) == {"database", "ui", "daemon"}
    assert [p for s in services.values() for p in s.get("ports", [])] == ["127.0.0.1:3000:3000"]
    assert services["database"]["environment"]["POSTGRES_PASSWORD"].startswith(
        "${HCC_DB_PASSWORD:?"
    )
    assert services["ui"]["environment"]["HCC_DATABASE_URL"].startswith(
        "postgresql+psycopg2://hcc:${HCC_DB_PASSWORD:?"
    )
    assert set(compose()["volumes"]) == {"database", "dagster"}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services) - {name}
    for service in (services["ui"], services["daemon"]):
        assert (
            service["command"][0] in scripts()
            and service["cap_drop"] == ["ALL"]
            and service["read_only"]
        )
    assert_hcc_command(services["ui"]["command"][1:])
    assert_hcc_command(services["daemon"]["healthcheck"]["test"][2:])


def docker_compose() -> list[str]:
    """The program, as a plug-in of docker or by itself."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run(
                [*command, "version"], capture_output=True, timeout=60, check=False
            ).returncode
            == 0
        ):
            return command
    pytest.skip(
        "docker compose is not on this machine: the file was parsed, neither resolved by docker "
        "compose nor started"
    )


def test_docker_compose_resolves_the_file_and_asks_for_the_password() -> None:
    command = [
        *docker_compose(),
        "-f",
        str(DEPLOY / "docker-compose.yaml"),
        "config",
        "--format",
        "json",
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HCC_")}
    refused = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (
        not refused.stdout and "set HCC_DB_PASSWORD" in refused.stderr
    )  # packaged forms of the program pass no exit code on
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**environment, "HCC_DB_PASSWORD": "x"},
        timeout=60,
        check=True,
    )
    services = json.loads(done.stdout)["services"]
    (port,) = services["ui"]["ports"]
    assert (
        (port["host_ip"], port["target"]) == ("127.0.0.1", 3000)
        and "ports" not in services["daemon"]
        and "ports" not in services["database"]
    )
    assert (
        services["daemon"]["environment"]["HCC_DATABASE_URL"]
        == "postgresql+psycopg2://hcc:x@database:5432/hcc"
    )


def test_the_image_copies_what_exists_runs_as_nobody_special_and_checks_hashes() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) (.+)$", re.sub(r"\\\n", "", text), flags=re.MULTILINE)
    for name, rest in instructions:
        if name == "COPY":
            assert all((TOP / source).exists() for source in rest.split()[:-1]), rest
    # a number, so that Kubernetes can tell without the image's /etc/passwd that it is not root
    assert (
        "--require-hashes" in text
        and ("USER", "10001") in instructions
        and "useradd --uid 10001" in text
    )
    command = yaml.safe_load(
        next(rest for name, rest in instructions if name == "CMD" and rest.startswith('["hcc"'))
    )
    assert_hcc_command(command[1:])
    assert [name for name, _ in instructions].index("USER") > max(
        i for i, (name, _) in enumerate(instructions) if name == "RUN"
    )


def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip(
            "hadolint is not on this machine: the Dockerfile was parsed, not linted; docker build "
            "is run nowhere here"
        )
    done = subprocess.run(
        [program, "--no-color", str(DEPLOY / "Dockerfile")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
