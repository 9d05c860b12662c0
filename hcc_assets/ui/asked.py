"""What a request asks for: its headers, who sends it, what it would change, and what it costs.
Deciding on it is in `guard`."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hcc_assets.ui.query_cost import Unreadable, parsed, too_costly, top_mutations

Scope = MutableMapping[str, Any]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
UNREADABLE = "unreadable request"
APPROVERS_JOBS = ("accept_export", "erase_subject", "rebuild_reference", "withdraw_subject")
"""Jobs that decide for people (`operate.people_jobs`, `privacy.jobs`)."""


def headers_of(scope: Scope) -> dict[str, str]:
    """By lower-case name; several cookies as one."""
    found: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        key = name.decode("latin-1").lower()
        found[key] = (
            f"{found[key]}; {value.decode('latin-1')}"
            if key == "cookie" and key in found
            else value.decode("latin-1")
        )
    return found


def host_name(host: str) -> str:
    """A ``Host`` header without its port."""
    return (
        host.rpartition(":")[0]
        if host.rpartition(":")[2].isdigit() and host.rpartition(":")[0]
        else host
    )


def same_origin(headers: dict[str, str]) -> bool:
    """False for what a browser sends on behalf of another site. A client that is no browser sends
    neither header."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


def inner_path(scope: Scope, prefix: str) -> str:
    """The path below the prefix, without a slash at its end."""
    path = str(scope.get("path", "")).rstrip("/") or "/"
    return (path[len(prefix) :] or "/") if prefix and path.startswith(prefix) else path


class Asked:
    """One request as the guard sees it.

    Attributes
    ----------
    operations
        Names of what it would change; empty when it only reads.
    costly
        Why a query is refused whoever asks; None for one that is not.
    jobs
        Those of `APPROVERS_JOBS` that it names.
    """

    def __init__(self, scope: Scope, headers: dict[str, str], body: bytes, prefix: str):
        self.path = inner_path(scope, prefix)
        self.operations: list[str] = []
        self.costly: str | None = None
        self.jobs: list[str] = []
        method = scope["method"]
        if self.path != "/graphql":
            if method not in SAFE_METHODS:
                first = self.path.split("/")[1] if self.path != "/" else self.path
                self.operations = [f"{method} {first}"]
            return
        for query, content in _queries(scope, headers, body):
            self._look(query, content)

    def _look(self, query: Any, content: Any) -> None:
        try:
            document = parsed(query)
        except Unreadable:
            self.operations.append(UNREADABLE)
            return
        self.costly = self.costly or too_costly(document)
        self.operations += top_mutations(document)
        texts = {str(query), *_texts(content)}
        self.jobs += [j for j in APPROVERS_JOBS if any(j in text for text in texts)]


def _queries(scope: Scope, headers: dict[str, str], body: bytes) -> Iterator[tuple[Any, Any]]:
    """Each query of a request, with what came with it."""
    address = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    for query in address.get("query", []):
        yield query, address
    if not body:
        return
    content_type = headers.get("content-type", "")
    if "application/json" in content_type:
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            yield None, None
            return
        for item in content if isinstance(content, list) else [content]:
            yield (item.get("query") if isinstance(item, dict) else item), item
    elif "application/graphql" in content_type:
        yield body.decode("utf-8", errors="replace"), None
    else:
        yield None, None


def _texts(content: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
