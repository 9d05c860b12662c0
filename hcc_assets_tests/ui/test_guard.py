"""The guard by itself: modes, documents that are too large, public names, the token, and the
second lock behind it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import dagster as dg
from graphql import get_introspection_query

from hcc_assets.ui import serving
from hcc_assets.ui.guard import Guard

NUX = "mutation { setNuxSeen }"
WIPE = """mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["subjects"]}}])
  { __typename } }"""


def ask(
    guard: Guard,
    method: str = "POST",
    path: str = "/graphql",
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> int:
    """Status of one request to a guard, without a server."""
    sent: list[dict] = []
    given = {"host": "127.0.0.1:3000", "content-type": "application/json"} | (headers or {})
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in given.items()],
    }

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"]


async def inner(scope, receive, send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 299 if scope["hcc_operator"] else 200,
            "headers": [],
        }
    )
    await send({"type": "http.response.body", "body": b""})


MUTATION = json.dumps({"query": NUX}).encode()


def test_modes(tmp_path: Path) -> None:
    token = "t" * 40
    bearer = {"authorization": f"Bearer {token}"}
    known = serving.known_by(token, tmp_path, tmp_path / "keys")
    nobody = Guard(inner, known, writes="nobody", private=False)
    anyone = Guard(inner, known, writes="anyone")
    assert ask(nobody, body=MUTATION, headers=bearer) == 403
    assert ask(nobody, "GET", "/") == 200
    assert ask(anyone, body=MUTATION) == 299
    assert ask(anyone, body=MUTATION, headers={"origin": "http://evil.example"}) == 403
    private = Guard(inner, known)
    assert ask(private, "GET", "/") == 401 and ask(private, "GET", "/", headers=bearer) == 299
    prefixed = Guard(inner, known, prefix="/hcc", hosts=("trial.example.org",), private=False)
    assert (
        ask(prefixed, path="/hcc/graphql", body=MUTATION, headers={"host": "trial.example.org"})
        == 401
    )
    assert (
        ask(
            prefixed,
            path="/hcc/graphql",
            body=b'{"query": "{ version }"}',
            headers={"host": "trial.example.org"},
        )
        == 200
    )


def test_large_and_deep_documents_are_refused(tmp_path: Path) -> None:
    known = serving.known_by("t" * 40, tmp_path, tmp_path / "keys")
    guard = Guard(inner, known, private=False)
    assert ask(guard, body=b"x" * (9 << 20)) == 413
    assert ask(guard, body=json.dumps({"query": "{a" * 50_000}).encode()) == 401
    assert ask(guard, body=json.dumps({"query": None}).encode()) == 401
    deep = "{ a " * 31 + "}" * 31
    assert ask(guard, body=json.dumps({"query": deep}).encode()) == 400
    spread = "".join(f"fragment F{i} on Q {{ {f'...F{i + 1} ' * 10} }} " for i in range(5))
    wide = "{ ...F0 } " + spread + "fragment F5 on Q { a b c }"
    assert ask(guard, body=json.dumps({"query": wide}).encode()) == 400
    circle = "{ ...A } fragment A on Q { a ...B } fragment B on Q { b ...A }"
    assert ask(guard, body=json.dumps({"query": circle}).encode()) == 200
    assert ask(guard, body=json.dumps({"query": get_introspection_query()}).encode()) == 200


def test_a_proxys_public_name_is_allowed_by_setting() -> None:
    assert serving.allowed_hosts({"HCC_UI_HOSTS": "trial.example.org other"})[-2:] == (
        "trial.example.org",
        "other",
    )
    assert "trial.example.org" not in serving.allowed_hosts({})


def test_the_token_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    token = serving.token_for(tmp_path)
    assert len(token) >= 40 and serving.token_for(tmp_path) == token
    assert (tmp_path / "ui_token").stat().st_mode & 0o777 == 0o600


def test_the_second_lock_holds_without_the_first(tmp_path: Path) -> None:
    """Dagster's own permission check refuses when the guard has not marked the request."""
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import EmptyWorkspaceTarget
    from starlette.testclient import TestClient

    from hcc_assets.ui.serving_app import GuardedWebserver

    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context,
    ):
        client = TestClient(GuardedWebserver(context).create_asgi_app())
        assert (
            client.post("/graphql", json={"query": WIPE}).json()["data"]["wipeAssets"]["__typename"]
            == "UnauthorizedError"
        )
        assert (
            client.post("/report_asset_check/subjects?check_name=c&passed=true").status_code == 401
        )
