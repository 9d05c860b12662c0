"""Who may see and change what through the web UI: an ASGI layer before Dagster's webserver. Why it
is needed, and how it is put together, is in `serving`."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

from hcc_assets.ui.access_log import AccessLog
from hcc_assets.ui.asked import SAFE_METHODS, Asked, headers_of, host_name, inner_path, same_origin
from hcc_assets.ui.login_page import SAID, login_page
from hcc_assets.ui.sessions import SESSION_SECONDS, Sessions
from hcc_assets.ui.users import INSTALLATION, Identity, Proxy, Users

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
OnWrite = Callable[[str, str], None]

Writes = Literal["nobody", "token", "anyone"]
"""Who may change something: nobody, operators and approvers, or anyone who reaches the port."""

MAX_BODY = 8 << 20
"""Bytes of a request: a launch over some thousand samples is below one megabyte."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
OPERATOR = "hcc_operator"
"""Key of the ASGI scope: true when the request may change something."""
USER = "hcc_user"
"""Key of the ASGI scope: the `users.Identity` who asks, or None."""
NOT_SERVED = ("/notebook",)
"""Shows files of this machine by their path."""


@dataclass
class Known:
    """By what the guard knows people; without users or a proxy, by the token of the installation
    alone."""

    token: str
    sessions: Sessions
    users: Users
    proxy: Proxy | None = None
    log: AccessLog | None = None

    def by_token(self, given: str) -> Identity | None:
        """Whose token it is: that of the installation, or that of a user."""
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return INSTALLATION
        return self.users.of_token(given)

    def cookie(self, headers: dict[str, str]) -> str:
        """The value of the cookie of this installation; "" where there is none."""
        pairs = (part.partition("=") for part in headers.get("cookie", "").split("; "))
        return next((value for name, _, value in pairs if name == self.sessions.cookie), "")

    def who(self, scope: Scope, headers: dict[str, str]) -> Identity | None:
        """Who asks: by log-in, by token as Bearer or as password, or by the word of the proxy."""
        name = self.sessions.user(self.cookie(headers))
        if name is not None:
            found = INSTALLATION if name == INSTALLATION.name else self.users.named(name)
            if found is not None:
                return found
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        given = rest.strip() if scheme.lower() == "bearer" else ""
        if scheme.lower() == "basic":
            with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                given = base64.b64decode(rest, validate=True).decode().partition(":")[2]
        if given and (found := self.by_token(given)) is not None:
            return found
        if self.proxy is None:
            return None
        return self.proxy.identity(scope.get("client"), headers, self.users)


class Guard:
    """ASGI layer before the webserver.

    Parameters
    ----------
    app
        The webserver.
    known
        By what people are known.
    writes
        Who may change something.
    hosts
        Host names under which the page may be asked for (a web page elsewhere that points its own
        name at this address is refused).
    prefix
        Path prefix of the served application.
    on_write
        Called with a name and the names of the operations (``launchRun``) that somebody sends; for
        the audit trail.
    private
        Whether reading needs a log-in too; where anyone may change things it never does.
    """

    def __init__(
        self,
        app: App,
        known: Known,
        *,
        writes: Writes = "token",
        hosts: tuple[str, ...] = LOOPBACK,
        prefix: str = "",
        on_write: OnWrite | None = None,
        private: bool = True,
    ):
        self._app, self._by, self._writes, self._hosts = app, known, writes, hosts
        self._prefix, self._on_write = prefix, on_write
        self._private = private and writes != "anyone"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, marked with who asks and whether they may change something, or
        refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = headers_of(scope)
        if host_name(headers.get("host", "")) not in self._hosts:
            return await self._refuse(scope, send, 403, "This name is not served here.")
        who = self._by.who(scope, headers)
        scope[USER] = who
        if scope["type"] == "websocket":
            return await self._websocket(scope, receive, send, headers, who)
        if scope["type"] != "http":
            return await self._refuse(scope, send, 403, "Refused.")
        path = inner_path(scope, self._prefix)
        if scope["method"] == "GET" and (
            given := parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
        ):
            return await self._log_in(scope, send, headers, given[0])
        if self._private and who is None and not (scope["method"] == "POST" and path == "/login"):
            return await self._refuse(scope, send, 401, SAID, headers=headers)
        body = b""
        if scope["method"] not in SAFE_METHODS:
            read = await _body(receive)
            if read is None:
                return await self._refuse(scope, send, 413, "The request is too large.", who)
            body = read
        if scope["method"] == "POST" and path in ("/login", "/logout"):
            return await self._session(scope, send, headers, path, body)
        if path.startswith(NOT_SERVED):
            return await self._refuse(scope, send, 404, "This is not served here.", who)
        asked = Asked(scope, headers, body, self._prefix)
        if asked.costly is not None:
            return await self._refuse(scope, send, 400, asked.costly, who)
        operator = self._may_change(who, asked)
        if asked.operations:
            if not same_origin(headers):
                text = "Changes are taken from the served page only."
                return await self._refuse(scope, send, 403, text, who)
            if not operator:
                return await self._no_change(scope, send, headers, who)
            if self._on_write is not None:
                self._on_write(who.name if who else "", ", ".join(asked.operations + asked.jobs))
        scope[OPERATOR] = operator and same_origin(headers)
        self._log(who, scope, 200, ", ".join(asked.operations + asked.jobs))
        return await self._app(scope, _replay(body, receive), send)

    def _may_change(self, who: Identity | None, asked: Asked) -> bool:
        if self._writes != "token":
            return self._writes == "anyone"
        return who is not None and who.may("approver" if asked.jobs else "operator")

    async def _no_change(
        self, scope: Scope, send: Send, headers: dict[str, str], who: Identity | None
    ) -> None:
        if self._writes == "nobody":
            return await self._refuse(scope, send, 403, "Changes are switched off.", who)
        if who is not None:
            text = f"{who.name} is {who.role} and may not change this."
            return await self._refuse(scope, send, 403, text, who)
        text = "Changes need the token that `hcc ui` printed."
        return await self._refuse(scope, send, 401, text, headers=headers)

    async def _websocket(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[str, str],
        who: Identity | None,
    ) -> None:
        """Subscriptions only read; a page of another origin gets none, and Dagster's context is
        read-only in any case."""
        if not same_origin(headers) or (self._private and who is None):
            await receive()
            return await self._refuse(scope, send, 403, "Refused.", who)
        scope[OPERATOR] = False
        return await self._app(scope, receive, send)

    async def _session(
        self, scope: Scope, send: Send, headers: dict[str, str], path: str, body: bytes
    ) -> None:
        if not same_origin(headers):
            text = "Log-ins are taken from the served page only."
            return await self._refuse(scope, send, 403, text)
        if path == "/logout":
            self._by.sessions.end(self._by.cookie(headers))
            return await self._lead(scope, send, headers, "", 0)
        given = parse_qs(body.decode("latin-1")).get("token", [""])
        return await self._log_in(scope, send, headers, given[0].strip())

    async def _log_in(self, scope: Scope, send: Send, headers: dict[str, str], given: str) -> None:
        who = self._by.by_token(given)
        if who is None:
            text = "This is not the token of this installation, nor of a user."
            return await self._refuse(scope, send, 401, text, headers=headers)
        self._log(who, scope, 303, "log-in")
        value = self._by.sessions.begin(who.name)
        return await self._lead(scope, send, headers, value, SESSION_SECONDS)

    async def _lead(
        self, scope: Scope, send: Send, headers: dict[str, str], value: str, seconds: int
    ) -> None:
        """Set the cookie and lead to the start page."""
        cookie = f"{self._by.sessions.cookie}={value}; Path={self._prefix or '/'}; HttpOnly"
        cookie += f"; SameSite=Strict; Max-Age={seconds}"
        if "https" in (scope.get("scheme"), headers.get("x-forwarded-proto")):
            cookie += "; Secure"
        sent = [
            (b"location", (self._prefix or "/").encode()),
            (b"set-cookie", cookie.encode()),
            (b"cache-control", b"no-store"),
            # what a reader may do is kept in IndexedDB: it would go on greying buttons
            (b"clear-site-data", b'"storage"'),
            (b"referrer-policy", b"no-referrer"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": sent})
        await send({"type": "http.response.body", "body": b""})

    async def _refuse(
        self,
        scope: Scope,
        send: Send,
        status: int,
        text: str,
        who: Identity | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Say no, and note it; with ``headers`` ask for a log-in, of a browser by a page."""
        self._log(who, scope, status, text)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        page = headers is not None and "text/html" in headers.get("accept", "")
        kind = b"text/html; charset=utf-8" if page else b"application/json"
        sent = [(b"content-type", kind), (b"cache-control", b"no-store")]
        if headers is not None and not page:
            sent.append((b"www-authenticate", b'Basic realm="hcc", charset="UTF-8"'))
        body = login_page(self._prefix, text) if page else json.dumps({"error": text}).encode()
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})

    def _log(self, who: Identity | None, scope: Scope, status: int, note: str) -> None:
        if self._by.log is not None:
            self._by.log.asked(who.name if who else "", scope, status, note)


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
