"""Fault 50 and promise G19 in the web UI: users with roles, log-ins that expire, what a proxy may
say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hcc_assets.ui import serving
from hcc_assets.ui.guard import Guard
from hcc_assets.ui.sessions import SESSION_SECONDS, Sessions
from hcc_assets.ui.users import Identity, Proxy, Users
from hcc_assets_tests.ui.test_guard import ask, inner

TOKEN = "t" * 43
LAUNCH = json.dumps(
    {
        "query": "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename } }",
        "variables": {"p": {"selector": {"jobName": "accept_export"}}},
    }
).encode()
START = LAUNCH.replace(b"accept_export", b"all")


def test_each_role_may_do_what_it_says(tmp_path: Path) -> None:
    users = Users(tmp_path / "keys")
    guard = Guard(inner, serving.known_by(TOKEN, tmp_path, tmp_path / "keys"))
    want = {"reader": (403, 403), "operator": (299, 403), "approver": (299, 299)}
    for role, answers in want.items():
        token = users.add(role, role, "2026-11-01")  # type: ignore[arg-type]
        bearer = {"authorization": f"Bearer {token}"}
        assert (
            ask(guard, body=START, headers=bearer),
            ask(guard, body=LAUNCH, headers=bearer),
        ) == (answers)
    escaped = LAUNCH.replace(b"accept_export", b"\\u0061ccept_export")
    bearer = {"authorization": f"Bearer {users.add('operator', 'operator', 'now')}"}
    assert ask(guard, body=escaped, headers=bearer) == 403
    users.remove("operator")
    assert ask(guard, body=START, headers=bearer) == 401


def test_tokens_are_kept_as_hashes(tmp_path: Path) -> None:
    users = Users(tmp_path)
    token = users.add("a.wang", "reader", "2026-11-01")
    assert token not in users.path.read_text()
    assert users.of_token(token) == Identity("a.wang", "reader")
    assert users.of_token("guess") is None
    for name in ("", "token", "a b", "../x", "x" * 65):
        with pytest.raises(ValueError, match="cannot be a name"):
            users.add(name, "reader", "now")


def test_a_log_in_expires_and_is_kept_as_a_hash(tmp_path: Path) -> None:
    clock = [1000.0]
    sessions = Sessions(tmp_path, TOKEN, lambda: clock[0])
    value = sessions.begin("a.wang")
    again = Sessions(tmp_path, TOKEN, lambda: clock[0])
    assert again.user(value) == "a.wang" and again.user(TOKEN) is None
    assert value not in (tmp_path / "ui_sessions.json").read_text()
    clock[0] += SESSION_SECONDS
    assert again.user(value) is None
    assert Sessions(tmp_path, "another" * 8).cookie != sessions.cookie


def test_the_token_is_no_cookie(tmp_path: Path) -> None:
    known = serving.known_by(TOKEN, tmp_path, tmp_path / "keys")
    guard = Guard(inner, known)
    assert ask(guard, "GET", "/", headers={"cookie": f"{known.sessions.cookie}={TOKEN}"}) == 401
    value = known.sessions.begin("token")
    assert ask(guard, "GET", "/", headers={"cookie": f"{known.sessions.cookie}={value}"}) == 299
    assert ask(guard, "GET", "/", headers={"cookie": f"another={value}"}) == 401


def test_a_proxy_is_believed_from_its_address_alone(tmp_path: Path) -> None:
    users = Users(tmp_path)
    users.add("b.li", "approver", "now")
    proxy = Proxy.configured({"HCC_UI_PROXY": "X-Remote-User 10.0.0.2"})
    assert proxy is not None
    said = {"x-remote-user": "b.li"}
    assert proxy.identity(("10.0.0.2", 1), said, users) == Identity("b.li", "approver")
    assert proxy.identity(("10.0.0.3", 1), said, users) is None
    assert proxy.identity(("10.0.0.2", 1), {"x-remote-user": "new"}, users) == Identity(
        "new", "reader"
    )
    assert proxy.identity(("10.0.0.2", 1), {}, users) is None
    assert Proxy.configured({"HCC_UI_PROXY": "X-Remote-User"}) is None
