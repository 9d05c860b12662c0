"""An S3-compatible server on loopback (moto) that counts what it is asked, does one put at a time,
and cuts connections when told to."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home


class S3Server:
    """The WSGI application around moto's.

    Attributes
    ----------
    asked
        Requests so far, by kind: ``LIST``, ``GET``, ``HEAD``, ``PUT``, ``POST``, ``DELETE``.
    cut
        Is given method and path of a request: a number is how many bytes of its body are taken
        before the connection is cut, None lets it pass.
    """

    def __init__(self, application: Callable[..., Any]):
        self._application = application
        self._one_put = (
            threading.Lock()
        )  # moto looks at a condition and puts in two steps, which a real server does in one
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
    moto = pytest.importorskip(
        "moto.server", reason="moto's server is not installed: no S3-compatible server to talk to"
    )
    from moto.s3.models import s3_backends
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            """Say nothing."""

    s3_backends.reset()  # moto keeps its buckets in the process
    application = S3Server(moto.DomainDispatcherApplication(moto.create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield application, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _backend() -> Any:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def stored(prefix: str) -> list[Any]:
    """The server's own records of the objects below a prefix of the bucket ``trial``."""
    return [
        key for name, key in _backend().buckets["trial"].keys.items() if name.startswith(prefix)
    ]


def many_samples(home: Home, count: int) -> dict[str, Asset]:
    """A home of ``count`` samples with four assets each, put straight into the server; the assets
    that they are of."""
    import pandas as pd

    from hcc_assets.catalogue.loading import all_assets
    from hcc_assets.home.files import parquet_bytes

    put = lambda name, data: _backend().put_object("trial", f"home/{name}", data)  # noqa: E731
    names = [f"S{i:04}" for i in range(count)]
    lines = [
        f"{s},P{i // 2:04},{('pre', 'post')[i % 2]},2026-01-0{1 + i % 2},matrices/{s},liver"
        for i, s in enumerate(names)
    ]
    put(
        "landing/samples.csv",
        (
            "sample_id,subject_id,timepoint,collection_date,path,tissue\n" + "\n".join(lines) + "\n"
        ).encode(),
    )
    assets = all_assets()
    for s in names:
        for part in ("counts.h5", "_DONE"):
            put(f"landing/matrices/{s}/{part}", part.encode())
    put("landing/reference/labelled.h5ad", b"cells")  # taught the reference that stands
    for key in stored("home/landing/reference/"):
        key.last_modified -= dt.timedelta(hours=2)
    now = pd.Timestamp("2026-01-03", tz="UTC")
    keys = [f"s{i // 2 + 1:04}-{('a', 'b')[i % 2]}" for i in range(count)]
    entries = [
        {"subject": f"P{i:04}", "sample": "", "key": f"s{i + 1:04}"} for i in range(-(-count // 2))
    ]
    entries += [
        {"subject": f"P{i // 2:04}", "sample": s, "key": keys[i]} for i, s in enumerate(names)
    ]
    put("people.json", json.dumps({"last": -(-count // 2), "samples": entries}).encode())
    people = sorted({e["subject"] for e in entries})
    for name, asset in assets.items():
        for s in keys if asset.per_sample else [None]:
            base = f"store/{name}/{s}" if s else f"store/{name}"
            version = f"{abs(hash((name, s))):020x}"[:20]
            told = {"export_id": "2026-01-03", "cutoff": "2026-01-03", "rows": []}
            contents = {f"{version}/facts.json": json.dumps(told).encode()}
            if name == "subjects":
                table = parquet_bytes(pd.DataFrame({"USUBJID": people}))
                contents[f"{version}/table.parquet"] = table
            manifest = Manifest(
                asset=name,
                partition=s,
                data_version=version,
                fingerprint="f",
                code_version="c",
                at=now,
                since=now,
                files={file: hashlib.sha256(data).hexdigest() for file, data in contents.items()},
                sizes={file: len(data) for file, data in contents.items()},
                notes={"version": "cohort-1"},
            )
            put(f"{base}/current.json", manifest.content())
            for file, data in contents.items():
                put(f"{base}/{file}", data)
    return assets


def look(home: Home, server: S3Server, assets: dict[str, Asset]) -> dict[str, int]:
    """Requests of one plan, as ``hcc status`` and every sensor tick make it."""
    server.asked.clear()
    make_plan(HomeView(home, assets))
    return dict(server.asked)
