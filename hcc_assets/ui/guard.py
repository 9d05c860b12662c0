"""Who may change what through the web UI: an ASGI layer before Dagster's webserver. Why it is
needed, and how it is put together, is in `serving`."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
OnWrite = Callable[[str], None]

Writes = Literal["nobody", "token", "anyone"]
"""Who may change something: nobody, who holds the token, or anyone who reaches the port."""

COOKIE = "hcc_ui"
MAX_BODY = 8 << 20
"""Bytes of a request: a launch over some thousand samples is below one megabyte."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
OPERATOR = "hcc_operator"
"""Key of the ASGI scope: true when the request may change something."""


class Guard:
    """ASGI layer before the webserver.

    Parameters
    ----------
    app
        The webserver.
    token
        What an operator must show.
    writes
        Who may change something.
    hosts
        Host names under which the page may be asked for (a web page elsewhere that points its own
        name at this address is refused).
    prefix
        Path prefix of the served application.
    on_write
        Called with the names of the operations (``launchRun``) that an operator sends; for the
        audit trail.
    private
        Ask for the token for reading too.
    """

    def __init__(
        self,
        app: App,
        token: str,
        *,
        writes: Writes = "token",
        hosts: tuple[str, ...] = LOOPBACK,
        prefix: str = "",
        on_write: OnWrite | None = None,
        private: bool = False,
    ):
        self._app, self._token, self._writes, self._hosts = app, token, writes, hosts
        self._prefix, self._on_write, self._private = prefix, on_write, private

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, marked as an operator's or not, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = _headers(scope)
        if _host_name(headers.get("host", "")) not in self._hosts:
            return await _refuse(scope, send, 403, "This name is not served here.")
        if scope["type"] == "websocket":
            return await self._websocket(scope, receive, send, headers)
        if scope["type"] != "http":
            return await _refuse(scope, send, 403, "Refused.")
        if scope["method"] == "GET" and (
            given := parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
        ):
            return await self._log_in(scope, send, given[0])
        known = self._known(headers)
        if self._private and not known:
            return await _refuse(
                scope,
                send,
                401,
                "Open the link that `hcc ui` printed, or give its token as the password.",
                challenge=True,
            )
        body = b""
        if scope["method"] not in SAFE_METHODS:
            read = await _body(receive)
            if read is None:
                return await _refuse(scope, send, 413, "The request is too large.")
            body = read
        operations = _changes(scope, headers, body, self._prefix)
        operator = self._writes == "anyone" or (self._writes == "token" and known)
        if operations:
            if not _same_origin(headers):
                return await _refuse(
                    scope, send, 403, "Changes are taken from the served page only."
                )
            if not operator:
                text = (
                    "Changes are switched off."
                    if self._writes == "nobody"
                    else "Changes need the token that `hcc ui` printed."
                )
                return await _refuse(
                    scope,
                    send,
                    401 if self._writes == "token" else 403,
                    text,
                    challenge=self._writes == "token",
                )
            if self._on_write is not None:
                self._on_write(", ".join(operations))
        scope[OPERATOR] = operator and _same_origin(headers)
        return await self._app(scope, _replay(body, receive), send)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str]
    ) -> None:
        """Subscriptions only read; a page of another origin gets none, and Dagster's context is
        read-only in any case."""
        if not _same_origin(headers) or (self._private and not self._known(headers)):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        scope[OPERATOR] = False
        await self._app(scope, receive, send)

    async def _log_in(self, scope: Scope, send: Send, given: str) -> None:
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return await _refuse(scope, send, 401, "This is not the token of this installation.")
        cookie = f"{COOKIE}={self._token}; Path={self._prefix or '/'}; HttpOnly; SameSite=Strict"
        if scope.get("scheme") == "https":
            cookie += "; Secure"
        headers = [
            (b"location", (self._prefix or "/").encode()),
            (b"set-cookie", cookie.encode()),
            (b"cache-control", b"no-store"),
            # what a reader may do is kept in IndexedDB: it would go on greying buttons
            (b"clear-site-data", b'"storage"'),
            (b"referrer-policy", b"no-referrer"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        return await send({"type": "http.response.body", "body": b""})

    def _known(self, headers: dict[str, str]) -> bool:
        candidates = [
            part.partition("=")[2]
            for part in headers.get("cookie", "").split("; ")
            if part.partition("=")[0] == COOKIE
        ]
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            candidates.append(rest.strip())
        elif scheme.lower() == "basic":
            with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                candidates.append(base64.b64decode(rest, validate=True).decode().partition(":")[2])
        return any(hmac.compare_digest(c.encode(), self._token.encode()) for c in candidates)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        key = name.decode("latin-1").lower()
        found[key] = (
            f"{found[key]}; {value.decode('latin-1')}"
            if key == "cookie" and key in found
            else value.decode("latin-1")
        )
    return found


def _host_name(host: str) -> str:
    return (
        host.rpartition(":")[0]
        if host.rpartition(":")[2].isdigit() and host.rpartition(":")[0]
        else host
    )


def _same_origin(headers: dict[str, str]) -> bool:
    """False for what a browser sends on behalf of another site. A client that is no browser sends
    neither header."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


def _changes(scope: Scope, headers: dict[str, str], body: bytes, prefix: str) -> list[str]:
    """Names of what the request would change; empty when it only reads."""
    path = str(scope.get("path", "")).rstrip("/") or "/"
    inner = path[len(prefix) :] if prefix and path.startswith(prefix) else path
    if inner != "/graphql":
        return (
            []
            if scope["method"] in SAFE_METHODS
            else [f"{scope['method']} {inner.split('/')[1] if inner != '/' else inner}"]
        )
    queries: list[Any] = list(
        parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True).get(
            "query", []
        )
    )
    if body:
        content_type = headers.get("content-type", "")
        if "application/json" in content_type:
            try:
                content = json.loads(body)
            except ValueError:
                return ["unreadable request"]
            queries += [
                item.get("query") if isinstance(item, dict) else item
                for item in (content if isinstance(content, list) else [content])
            ]
        elif "application/graphql" in content_type:
            queries.append(body.decode("utf-8", errors="replace"))
        else:
            return ["unreadable request"]
    return [name for query in queries for name in _mutations(query)]


def _mutations(query: Any) -> list[str]:
    """Top-level fields of the document's mutations; a document that cannot be parsed counts as
    one."""
    from graphql import GraphQLError, parse
    from graphql.language import FieldNode, OperationDefinitionNode, OperationType

    if not isinstance(query, str):
        return ["unreadable request"]
    try:
        document = parse(query, no_location=True, max_tokens=20_000)
    except (GraphQLError, RecursionError):
        return ["unreadable request"]
    found: list[str] = []
    for definition in document.definitions:
        if (
            isinstance(definition, OperationDefinitionNode)
            and definition.operation is OperationType.MUTATION
        ):
            found += [
                s.name.value if isinstance(s, FieldNode) else "mutation"
                for s in definition.selection_set.selections
            ]
    return found


async def _body(receive: Receive) -> bytes | None:
    """The whole request body; None when it is too large or the client went away."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(
    scope: Scope, send: Send, status: int, text: str, *, challenge: bool = False
) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if challenge:
        headers.append((b"www-authenticate", b'Basic realm="hcc", charset="UTF-8"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": text}).encode()})
