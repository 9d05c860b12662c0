"""``deploy/nginx``: read, accepted by ``nginx -t``, and run with TLS and a password before the
guarded web UI; without nginx a skip that says so."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from hcc_assets.ui import serving
from hcc_assets_tests.ui.test_serving import ADD, LOCATION, SERVER, WIPE

CONF = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "hcc.conf"
READER = ("reader", "word")
NAME = "trial.example.org"


def test_the_proxy_asks_for_a_password_and_shields_the_report_endpoints() -> None:
    text = re.sub(r"#.*", "", CONF.read_text())
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


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def guarded_ui(folder: Path) -> Iterator[int]:
    """The guarded web UI over a location of two assets, in a process of its own."""
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (folder / "trial.py").write_text(LOCATION)
    (folder / "workspace.yaml").write_text(
        f"load_from:\n  - python_file: {{relative_path: {folder}/trial.py, location_name: trial}}\n"
    )
    port, log = free_port(), folder / "server.log"
    environment = {**os.environ, "DAGSTER_HOME": str(folder), "HCC_UI_HOSTS": NAME}
    environment["HCC_UI_PROXY"] = "X-Remote-User 127.0.0.1"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder), str(port)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(port, server, log)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


class Proxied(NamedTuple):
    """The running proxy, and the folder of the Dagster instance behind it."""

    port: int
    home: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        return serving.token_for(self.home)

    def samples(self) -> list[str]:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return list(instance.get_dynamic_partitions("sample"))

    def ask(self, method: str, path: str, **more: object) -> requests.Response:
        return requests.request(
            method, self.url + path, verify=False, timeout=30, allow_redirects=False, **more
        )  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    program, openssl = (
        shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"),
        shutil.which("openssl"),
    )
    if program is None or openssl is None:
        pytest.skip(
            "nginx (or openssl) is not on this machine: deploy/nginx/hcc.conf was read, not run"
        )
    folder, home = tmp_path_factory.mktemp("nginx"), tmp_path_factory.mktemp("dagster_home")
    certificate = [
        "-keyout",
        f"{folder}/hcc.key",
        "-out",
        f"{folder}/hcc.crt",
        "-subj",
        f"/CN={NAME}",
        "-days",
        "1",
    ]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *certificate],
        check=True,
        capture_output=True,
    )
    (folder / "hcc.htpasswd").write_text("reader:{PLAIN}word\n")
    folder.chmod(0o755)  # the worker process of a root's nginx is root here, see `user`
    with guarded_ui(home) as behind:
        port, log = free_port(), folder / "error.log"
        text = (
            CONF.read_text()
            .replace("/etc/nginx/", f"{folder}/")
            .replace("127.0.0.1:3000", f"127.0.0.1:{behind}")
        )
        text = text.replace("listen 443 ", f"listen 127.0.0.1:{port} ").replace(
            "listen 80;", f"listen 127.0.0.1:{free_port()};"
        )
        (folder / "site.conf").write_text(text)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {log};\nevents {{}}\n"
            f"http {{\n{temporary}include {folder}/site.conf;\n}}\n"
            + ("user root;\n" if os.geteuid() == 0 else "")
        )
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(log)]
        checked = subprocess.run(
            [*command, "-t"], capture_output=True, text=True, timeout=30, check=False
        )
        assert checked.returncode == 0, checked.stderr
        server = subprocess.Popen(command)
        try:
            wait_for(port, server, log)
            yield Proxied(port, home)
        finally:
            server.terminate()
            server.wait(timeout=10)


@pytest.mark.parametrize(
    "auth",
    [None, ("reader", "wrong"), ("", "word")],
    ids=["anonymous", "wrong password", "no name"],
)
@pytest.mark.parametrize("way", ["page", "get", "post", "report", "websocket"])
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_without_the_password_nothing_is_answered(
    proxied: Proxied, way: str, auth: tuple[str, str] | None
) -> None:
    calls = {
        "page": ("GET", "/", {}),
        "get": ("GET", "/graphql", {"params": {"query": "{version}"}}),
        "post": ("POST", "/graphql", {"json": {"query": WIPE}}),
        "report": ("POST", "/report_asset_check/subjects", {}),
        "websocket": (
            "GET",
            "/graphql",
            {"headers": {"Upgrade": "websocket", "Connection": "Upgrade"}},
        ),
    }
    method, path, more = calls[way]
    answer = proxied.ask(method, path, auth=auth, **more)
    # what is forbidden to everyone may be refused before the password is asked for
    assert (
        answer.status_code in ((401, 403) if way == "report" else (401,))
        and "dagster" not in answer.text.lower()
    )


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_reader_reads_and_changes_nothing(proxied: Proxied) -> None:
    page = proxied.ask("GET", "/", auth=READER)
    assert (
        page.status_code == 200
        and "<html" in page.text
        and "max-age" in page.headers["Strict-Transport-Security"]
    )
    read = proxied.ask("POST", "/graphql", auth=READER, json={"query": "{ version }"})
    assert read.json()["data"]["version"] == dg.__version__
    for method, more in (
        ("GET", {"params": {"query": WIPE}}),
        ("POST", {"json": {"query": ADD, "variables": {"key": "forged"}}}),
    ):
        # known by name, through the proxy, and not allowed
        assert proxied.ask(method, "/graphql", auth=READER, **more).status_code == 403
    # the password of the proxy is not passed on as the token, nor is the token taken in its place
    assert proxied.ask("GET", "/", auth=("reader", proxied.token)).status_code == 401
    assert (
        proxied.ask(
            "POST", "/report_asset_check/subjects", auth=READER, cookies={"hcc_ui": proxied.token}
        ).status_code
        == 403
    )
    assert proxied.samples() == []


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_operator_opens_the_link_and_works_through_the_proxy(proxied: Proxied) -> None:
    link = proxied.ask("GET", "/", auth=READER, params={"token": proxied.token})
    cookie = link.headers["set-cookie"]
    assert (
        link.status_code == 303
        and "; Secure" in cookie
        and "HttpOnly" in cookie
        and "SameSite=Strict" in cookie
    )
    for host in (f"127.0.0.1:{proxied.port}", NAME):
        headers = {"Host": host, "Origin": f"https://{host}", "Cookie": cookie.partition(";")[0]}
        done = proxied.ask(
            "POST",
            "/graphql",
            auth=READER,
            headers=headers,
            json={"query": ADD, "variables": {"key": f"S-{host[:5]}"}},
        )
        assert done.status_code == 200 and "AddDynamicPartitionSuccess" in done.text, done.text
    assert sorted(proxied.samples()) == ["S-127.0", "S-trial"]
    evil = {"Host": "evil.example", "Cookie": cookie.partition(";")[0]}
    assert (
        proxied.ask("GET", "/", auth=READER, headers=evil).status_code == 403
    )  # a name that is not in HCC_UI_HOSTS


def test_subscriptions_pass_with_the_password_only(proxied: Proxied) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"wss://127.0.0.1:{proxied.port}/graphql"
    protocols = [Subprotocol("graphql-ws")]
    with (
        pytest.raises(InvalidStatus, match="401"),
        connect(url, ssl=context, subprotocols=protocols),
    ):
        pass
    allowed = {"Authorization": requests.auth._basic_auth_str(*READER)}
    with connect(url, ssl=context, subprotocols=protocols, additional_headers=allowed) as line:
        line.send(json.dumps({"type": "connection_init"}))
        assert json.loads(line.recv(timeout=10))["type"] == "connection_ack"
        line.send(json.dumps({"type": "start", "id": "1", "payload": {"query": WIPE}}))
        assert "error" in str(line.recv(timeout=10))
