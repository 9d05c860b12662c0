"""A home on an object store: the same journey against an S3-compatible server on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcc_assets.defs.operate import refresh_home
from hcc_assets.platform.home import Home
from hcc_assets.platform.stores import read_parquet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    moto = pytest.importorskip("moto.server", reason="moto's server is not installed: no S3-compatible server to talk to")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = moto.ThreadedMotoServer(port=port, verbose=False)
    server.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir(f"trial-{port}")
    yield f"trial-{port}"
    server.stop()


def test_the_journey_on_an_object_store(bucket: str, tmp_path: Path) -> None:
    import s3fs

    from hcc_assets.simulate.trial import simulate_trial

    simulate_trial(tmp_path / "sim", subjects=2, cells=200, seed=1)
    s3fs.S3FileSystem().put(str(tmp_path / "sim" / "landing") + "/", f"{bucket}/home/landing/", recursive=True)
    home = Home.at(f"s3://{bucket}/home")
    first = refresh_home(home, jobs=1, memory_mb=None, progress=lambda *_: None)
    assert not first.troubled
    compositions = read_parquet(home.published / "compositions.parquet")
    assert compositions["sample_id"].nunique() == len(first.new_samples) > 0
    assert (home.published / "report.html").exists()
    assert len(read_parquet(home.published / "responses.parquet"))
    again = refresh_home(home, jobs=1, memory_mb=None, progress=lambda *_: None)
    assert not again.changes
    assert not again.runs


def test_a_put_that_fails_leaves_the_old_version(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from hcc_assets.platform import stores

    path = Home.at(f"s3://{bucket}/home").published / "table.parquet"
    stores.write_bytes(path, b"old")
    monkeypatch.setattr(type(path), "write_bytes", lambda *_: (_ for _ in ()).throw(ConnectionResetError()))
    with pytest.raises(ConnectionResetError):
        stores.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
