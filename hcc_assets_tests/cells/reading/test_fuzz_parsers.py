"""Whatever bytes come, a parser gives counts or its typed refusal, and soon."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import h5py
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcc_assets.cells.reading.portable_names import check_name
from hcc_assets.cells.reading.tenx import MatrixRefused, find_matrix, read_counts
from hcc_assets_tests.cells.matrices import mtx_text, toy, write_h5, write_mex

FUZZ = settings(
    max_examples=60,
    deadline=5000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SMALL = toy(6, 25)
TOKENS = st.sampled_from(
    [
        "0",
        "1",
        "2",
        "7",
        "25",
        "-1",
        "1.5",
        "nan",
        "1e9",
        "99999999999999999999",
        "",
        " ",
        "\t",
        "%",
        "x",
        "\x00",
        "é",
        "1 1",
        "\r",
    ]
)


def judged(path: Path) -> None:
    try:
        counts = read_counts(find_matrix(path))
    except MatrixRefused as refused:
        assert refused.code and len(str(refused)) < 400
    else:
        assert (
            counts.X.data.min() > 0 and counts.n_obs > 0 and counts.X.indices.max() < counts.n_vars
        )


def damaged(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, cut, new in edits:
        at = int(where * len(data))
        data = data[:at] + new + data[at + cut :]
    return data


EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=6)), min_size=1, max_size=4
)


@FUZZ
@given(
    edits=EDITS,
    which=st.sampled_from(["matrix.mtx", "barcodes.tsv", "features.tsv"]),
    packed=st.booleans(),
    inside=st.booleans(),
)
def test_damaged_folders(edits, which, packed, inside):
    with tempfile.TemporaryDirectory() as tmp:
        folder = write_mex(Path(tmp) / "m", SMALL, packed=packed)
        path = folder / (which + (".gz" if packed else ""))
        data = path.read_bytes()
        path.write_bytes(
            gzip.compress(damaged(gzip.decompress(data), edits))
            if packed and inside
            else damaged(data, edits)
        )
        judged(folder)


@FUZZ
@given(
    lines=st.lists(st.lists(TOKENS, max_size=5).map(" ".join), max_size=8),
    entries=st.lists(TOKENS, min_size=3, max_size=3),
)
def test_invented_matrices(lines, entries):
    text = f"%%MatrixMarket matrix coordinate integer general\n{' '.join(entries)}\n" + "\n".join(
        lines
    )
    with tempfile.TemporaryDirectory() as tmp:
        judged(write_mex(Path(tmp) / "m", SMALL, packed=False, matrix=text))


@FUZZ
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 16), st.binary(max_size=16)),
        min_size=1,
        max_size=6,
    )
)
def test_damaged_h5(edits):
    with tempfile.TemporaryDirectory() as tmp:
        path = write_h5(Path(tmp) / "m.h5", SMALL)
        path.write_bytes(damaged(path.read_bytes(), edits))
        judged(path)


@FUZZ
@given(
    name=st.sampled_from(["data", "indices", "indptr", "shape", "barcodes"]),
    values=st.one_of(
        st.lists(st.integers(-(2**40), 2**40), max_size=200).map(
            lambda v: np.array(v, dtype=np.int64)
        ),
        st.lists(st.floats(width=32), max_size=200).map(lambda v: np.array(v, dtype=np.float32)),
        st.lists(st.binary(max_size=5), max_size=30).map(lambda v: np.array(v, dtype="S5")),
        st.just(np.zeros((2, 3, 4))),
    ),
)
def test_invented_h5(name, values):
    with tempfile.TemporaryDirectory() as tmp:
        path = write_h5(Path(tmp) / "m.h5", SMALL)
        with h5py.File(path, "a") as file:
            del file["matrix"][name]
            file["matrix"][name] = values
        judged(path)


@FUZZ
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 16), st.binary(max_size=16)),
        min_size=1,
        max_size=6,
    )
)
def test_damaged_h5ad(edits):
    with tempfile.TemporaryDirectory() as tmp:
        path = Path(tmp) / "m.h5ad"
        SMALL.write_h5ad(path)
        path.write_bytes(damaged(path.read_bytes(), edits))
        judged(path)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(name=st.text(alphabet=st.sampled_from(list("ab./\\: \x00CON*é-")), max_size=12))
def test_names_never_leave(name):
    try:
        check_name(name)
    except MatrixRefused:
        return
    assert name != ".." and not set(name) & set("/\\\x00")


def test_the_undamaged_ones_are_read():
    with tempfile.TemporaryDirectory() as tmp:
        assert (
            read_counts(
                find_matrix(write_mex(Path(tmp) / "m", SMALL, matrix=mtx_text(SMALL.X)))
            ).n_obs
            == 6
        )
