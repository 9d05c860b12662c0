"""Servers on loopback that behave as badly as real ones: refuse, hang, drip, answer 429, die in
mid-message. For the tests of alert delivery."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Mailbox:
    """aiosmtpd handler: keeps messages; ``answers`` are given to DATA in turn before the first one
    is taken."""

    def __init__(self, *answers: str, recipient: str | None = None):
        self.answers, self.recipient, self.messages = list(answers), recipient, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.recipient:
            return self.recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answers:
            return self.answers.pop(0)
        self.messages.append(envelope.content.decode())
        return "250 taken"


@contextlib.contextmanager
def smtp_server(handler: Mailbox, port: int | None = None) -> Iterator[int]:
    port = port or free_port()
    controller = Controller(
        handler, hostname="127.0.0.1", port=port, server_kwargs={"enable_SMTPUTF8": True}
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


class DyingSMTP(SMTP):
    """Closes the connection while the message is coming in."""

    async def smtp_DATA(self, arg):
        await self.push("354 go on")
        await self._reader.readline()
        self.transport.abort()


@contextlib.contextmanager
def dying_smtp_server() -> Iterator[int]:
    port = free_port()

    class DyingController(Controller):
        def factory(self):
            return DyingSMTP(self.handler)

    controller = DyingController(Mailbox(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextlib.contextmanager
def tcp_server(behave) -> Iterator[int]:
    """A raw server; ``behave(socket, stop)`` runs per connection."""
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                behave(self.request, stop)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address = True, True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            stop.set()
            server.shutdown()
            thread.join()


def hang(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(60)


def drip(connection: socket.socket, stop: threading.Event) -> None:
    """One byte of a header every 0.2 s: each read ends in time, the answer never does."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not stop.wait(0.2):
        connection.sendall(b"x")


def drip_smtp(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"220-")
    while not stop.wait(0.2):
        connection.sendall(b"x")


def die_in_mid_answer(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 20")


def reset_in_mid_request(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()
