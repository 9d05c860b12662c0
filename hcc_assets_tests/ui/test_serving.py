"""Promise G14, against the real server on loopback: anonymous changes are refused on every way in;
who holds the token can work."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest
import requests
from websockets.sync.client import connect

from hcc_assets.ui import serving
from hcc_assets.ui.users import Users

LOCATION = """
import dagster as dg
samples = dg.DynamicPartitionsDefinition(name="sample")
@dg.asset
def subjects(): pass
@dg.asset(partitions_def=samples)
def raw_counts(): pass
@dg.sensor(target="*", minimum_interval_seconds=3600)
def new_samples(context): pass
defs = dg.Definitions([subjects, raw_counts], sensors=[new_samples])
"""
SERVER = """
import sys
from pathlib import Path
from hcc_assets.ui import serving
from hcc_assets.ui.users import Users
folder, port = Path(sys.argv[1]), int(sys.argv[2])
token, workspace = serving.token_for(folder), folder / "workspace.yaml"
told = lambda who, what: print("WRITE", who, what, flush=True)
known = serving.known_by(token, folder, folder / "keys")
with serving.guarded_app(known, workspace, on_write=told) as app:
    serving.serve(app, "127.0.0.1", port)
"""
WIPE = """mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["subjects"]}}])
  { __typename } }"""
NUX = "mutation { setNuxSeen }"
ADD = """mutation($key: String!) { addDynamicPartition(
  partitionsDefName: "sample", partitionKey: $key,
  repositorySelector: {repositoryLocationName: "trial", repositoryName: "__repository__"})
  { __typename } }"""


class Served(NamedTuple):
    url: str
    token: str
    reader: str
    folder: Path
    log: Path

    def materializations(self) -> int:
        with dg.DagsterInstance.from_config(str(self.folder)) as instance:
            return len(instance.fetch_materializations(dg.AssetKey("subjects"), limit=10).records)

    def samples(self) -> list[str]:
        with dg.DagsterInstance.from_config(str(self.folder)) as instance:
            return list(instance.get_dynamic_partitions("sample"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("dagster_home")
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (folder / "trial.py").write_text(LOCATION)
    (folder / "workspace.yaml").write_text(
        f"load_from:\n  - python_file: {{relative_path: {folder}/trial.py, location_name: trial}}\n"
    )
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("subjects"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    log = folder / "server.log"
    reader = Users(folder / "keys").add("monitor", "reader", "2026-11-01")
    environment = {**os.environ, "DAGSTER_HOME": str(folder)}
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder), str(port)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(3000):
            try:
                if requests.get(f"{url}/server_info", timeout=5).status_code == 401:
                    break
            except requests.ConnectionError:
                time.sleep(0.1)
            assert server.poll() is None, log.read_text()
        yield Served(url, serving.token_for(folder), reader, folder, log)
    finally:
        server.terminate()
        server.wait(timeout=30)


def query(served: Served, text: str, **options) -> requests.Response:
    """As the user who may only read, unless ``headers`` say who asks."""
    variables = options.pop("variables", None)
    options.setdefault("headers", {"Authorization": f"Bearer {served.reader}"})
    return requests.post(
        f"{served.url}/graphql", json={"query": text, "variables": variables}, timeout=30, **options
    )


def test_a_reader_may_read(served: Served) -> None:
    as_reader = {"Authorization": f"Bearer {served.reader}"}
    page = requests.get(served.url, timeout=30, headers=as_reader)
    assert page.ok and "<html" in page.text
    assert (
        "subjects"
        in query(
            served, "{ assetsOrError { ... on AssetConnection { nodes { key { path } } } } }"
        ).text
    )
    names = query(
        served,
        "query A { version } query B { version } # mutation { wipeAssets }\n"
        "fragment F on Run { id }",
    )
    assert (
        names.status_code == 400
    )  # two operations and no name: the webserver's own answer, not the guard's


TWO_OPERATIONS = f"query A {{ version }} {WIPE.replace('mutation', 'mutation B')}"
ANONYMOUS = {
    "get": lambda u: requests.get(f"{u}/graphql", params={"query": WIPE}, timeout=30),
    "get with variables": lambda u: requests.get(
        f"{u}/graphql", params={"query": ADD, "variables": '{"key": "forged"}'}, timeout=30
    ),
    "get with slash": lambda u: requests.get(f"{u}/graphql/", params={"query": WIPE}, timeout=30),
    "head": lambda u: requests.head(f"{u}/graphql", params={"query": WIPE}, timeout=30),
    "two queries": lambda u: requests.get(
        f"{u}/graphql?query={{version}}&query={WIPE}", timeout=30
    ),
    "post": lambda u: requests.post(f"{u}/graphql", json={"query": WIPE}, timeout=30),
    "post with names": lambda u: requests.post(
        f"{u}/graphql", json={"query": TWO_OPERATIONS, "operationName": "B"}, timeout=30
    ),
    "post as text": lambda u: requests.post(
        f"{u}/graphql", data=WIPE, headers={"Content-Type": "application/graphql"}, timeout=30
    ),
    "post as form": lambda u: requests.post(f"{u}/graphql", data={"query": WIPE}, timeout=30),
    "post with query in address": lambda u: requests.post(
        f"{u}/graphql", params={"query": WIPE}, timeout=30
    ),
    "post without type": lambda u: requests.post(
        f"{u}/graphql", params={"query": WIPE}, data=b"x", timeout=30
    ),
    "batch": lambda u: requests.post(f"{u}/graphql", json=[{"query": WIPE}], timeout=30),
    "broken json": lambda u: requests.post(
        f"{u}/graphql", data=b"{", headers={"Content-Type": "application/json"}, timeout=30
    ),
    "what read-only lets through": lambda u: requests.post(
        f"{u}/graphql", json={"query": NUX}, timeout=30
    ),
    "wrong token": lambda u: requests.post(
        f"{u}/graphql",
        json={"query": WIPE},
        headers={"Authorization": "Bearer " + "x" * 43},
        timeout=30,
    ),
    "the token as a cookie": lambda u: requests.post(
        f"{u}/graphql",
        json={"query": WIPE},
        cookies={"hcc_ui": "x" * 43},
        timeout=30,
    ),
    "wrong password": lambda u: requests.post(
        f"{u}/graphql", json={"query": WIPE}, auth=("admin", ""), timeout=30
    ),
    "materialization": lambda u: requests.post(
        f"{u}/report_asset_materialization/subjects", timeout=30
    ),
    "check": lambda u: requests.post(
        f"{u}/report_asset_check/subjects", params={"check_name": "c", "passed": "true"}, timeout=30
    ),
    "observation": lambda u: requests.post(f"{u}/report_asset_observation/subjects", timeout=30),
    "any other post": lambda u: requests.post(f"{u}/anything", timeout=30),
    "delete": lambda u: requests.delete(f"{u}/graphql", timeout=30),
}


@pytest.mark.parametrize("way", ANONYMOUS)
def test_anonymous_changes_are_refused(served: Served, way: str) -> None:
    answer = ANONYMOUS[way](served.url)
    assert answer.status_code in (401, 403)
    assert served.materializations() == 1 and served.samples() == []


def test_a_mutation_through_the_websocket_changes_nothing(served: Served) -> None:
    with connect(
        served.url.replace("http", "ws") + "/graphql",
        subprotocols=["graphql-ws"],
        additional_headers={"Authorization": f"Bearer {served.reader}"},
    ) as socket_:  # type: ignore[list-item]
        socket_.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket_.recv(timeout=10))["type"] == "connection_ack"
        socket_.send(json.dumps({"type": "start", "id": "1", "payload": {"query": WIPE}}))
        assert "error" in socket_.recv(timeout=10)
    assert served.materializations() == 1
    with (
        pytest.raises(Exception, match="403"),
        connect(served.url.replace("http", "ws") + "/graphql", origin="http://evil.example"),
    ):  # type: ignore[arg-type]
        pass


def test_who_opens_the_printed_link_can_work_and_it_is_recorded(served: Served) -> None:
    session = requests.Session()
    link = serving.login_link("127.0.0.1", int(served.url.rpartition(":")[2]), served.token)
    answer = session.get(link, timeout=30, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (
        "HttpOnly" in answer.headers["set-cookie"]
        and "SameSite=Strict" in answer.headers["set-cookie"]
    )
    headers = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    done = session.post(
        f"{served.url}/graphql",
        json={"query": ADD, "variables": {"key": "S01"}},
        headers=headers,
        timeout=30,
    )
    assert done.json()["data"]["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess"
    assert served.samples() == ["S01"]
    permissions = "{ permissions { permission value } }"
    own = session.post(f"{served.url}/graphql", json={"query": permissions}, timeout=30).json()[
        "data"
    ]["permissions"]
    assert {p["permission"] for p in own if p["value"]} >= {
        "launch_pipeline_execution",
        "wipe_assets",
    }
    assert {p["value"] for p in query(served, permissions).json()["data"]["permissions"]} == {False}
    assert "WRITE token addDynamicPartition" in served.log.read_text()
    with dg.DagsterInstance.from_config(str(served.folder)) as instance:
        instance.delete_dynamic_partition("sample", "S01")


@pytest.mark.parametrize(
    "credentials",
    [
        lambda t: {"Authorization": f"Bearer {t}"},
        lambda t: {"Authorization": "Basic " + base64.b64encode(f"dm:{t}".encode()).decode()},
    ],
)
def test_token_as_bearer_or_password(served: Served, credentials) -> None:
    assert query(served, NUX, headers=credentials(served.token)).json() == {
        "data": {"setNuxSeen": True}
    }


def test_another_site_cannot_use_the_operators_browser(served: Served) -> None:
    link = serving.login_link("127.0.0.1", int(served.url.rpartition(":")[2]), served.token)
    given = requests.get(link, timeout=30, allow_redirects=False).headers["set-cookie"]
    assert served.token not in given
    cookie = {"Cookie": given.partition(";")[0]}
    assert query(served, NUX, headers=cookie).ok
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ):
        assert query(served, NUX, headers=cookie | headers).status_code == 403
    assert (
        requests.get(
            f"{served.url}/graphql",
            params={"query": NUX},
            headers=cookie | {"Sec-Fetch-Site": "cross-site"},
            timeout=30,
        ).status_code
        == 403
    )
    assert requests.get(served.url, headers={"Host": "evil.example"}, timeout=30).status_code == 403


def test_a_wrong_link_sets_no_cookie(served: Served) -> None:
    answer = requests.get(f"{served.url}/?token=guess", timeout=30)
    assert answer.status_code == 401 and "set-cookie" not in answer.headers


def test_nothing_is_read_without_a_log_in(served: Served) -> None:
    for path in ("/", "/graphql?query={version}", "/server_info", "/assets", "/notebook?path=x"):
        assert requests.get(served.url + path, timeout=30).status_code == 401
    page = requests.get(served.url, headers={"Accept": "text/html"}, timeout=30)
    assert page.status_code == 401 and 'type="password"' in page.text
    token = {"Authorization": f"Bearer {served.token}"}
    answer = requests.get(f"{served.url}/notebook?path=/etc/passwd", headers=token, timeout=30)
    assert answer.status_code == 404


def test_a_log_in_by_the_form_ends_with_the_log_out(served: Served) -> None:
    session = requests.Session()
    answer = session.post(f"{served.url}/login", data={"token": served.reader}, timeout=30)
    assert answer.ok and "<html" in answer.text
    refused = session.post(f"{served.url}/graphql", json={"query": NUX}, timeout=30)
    assert refused.status_code == 403 and "monitor is reader" in refused.text
    kept = dict(session.cookies)
    session.post(f"{served.url}/logout", timeout=30, allow_redirects=False)
    assert requests.get(served.url, cookies=kept, timeout=30).status_code == 401
    log = next((served.folder / "access").glob("ui-*.jsonl"))
    said = log.read_text()
    assert served.reader not in said and served.token not in said
    assert '"note": "log-in"' in said and "monitor is reader" in said
    assert log.stat().st_mode & 0o777 == 0o600
