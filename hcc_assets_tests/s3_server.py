"""An S3-compatible server on loopback (moto) that counts what it is asked, does one put at a time, and cuts connections when told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class S3Server:
    """The WSGI application around moto's.

    Attributes
    ----------
    asked
        Requests so far, by kind: ``LIST``, ``GET``, ``HEAD``, ``PUT``, ``POST``, ``DELETE``.
    cut
        Is given method and path of a request: a number is how many bytes of its body are taken before the connection is cut, None lets it pass.
    """

    def __init__(self, application: Callable[..., Any]):
        self._application = application
        self._one_put = threading.Lock()  # moto looks at a condition and puts in two steps, which a real server does in one
        self.asked: Counter[str] = Counter()
        self.cut: Callable[[str, str], int | None] = lambda *_: None
        self.cuts = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        listing = method == "GET" and "list-type=2" in environ["QUERY_STRING"]
        self.asked["LIST" if listing else method] += 1
        taken = self.cut(method, path)
        if taken is not None:
            self.cuts += 1
            environ["wsgi.input"].read(min(taken, int(environ.get("CONTENT_LENGTH") or 0)))
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("cut by the test")
        with self._one_put if method in ("PUT", "POST") else contextlib.nullcontext():
            return self._application(environ, start_response)


@contextlib.contextmanager
def s3_server() -> Iterator[tuple[S3Server, str]]:
    """The server and its address; skips where moto is not installed."""
    moto = pytest.importorskip("moto.server", reason="moto's server is not installed: no S3-compatible server to talk to")
    from moto.s3.models import s3_backends
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            """Say nothing."""

    s3_backends.reset()  # moto keeps its buckets in the process
    application = S3Server(moto.DomainDispatcherApplication(moto.create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield application, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
