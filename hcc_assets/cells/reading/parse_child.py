"""The child process of ``isolation``: limits itself, decodes one matrix, writes plain arrays. Genes
are judged by the parent; pandas stays out.

Run as ``python -m hcc_assets.cells.reading.parse_child`` with a JSON job on standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def _limit(memory_mb: int, cpu_s: int) -> None:
    """Memory of data (not of address space: BLAS reserves that), processor time, file size; no core
    file, few open files.
    """
    import resource

    def lower(which: int, value: int) -> None:
        hard = resource.getrlimit(which)[1]
        top = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(
            ValueError, OSError
        ):  # a platform may not know a limit: the parent's clock still ends the child
            resource.setrlimit(which, (top, top))

    lower(resource.RLIMIT_DATA, memory_mb << 20)
    lower(resource.RLIMIT_CPU, cpu_s)
    lower(resource.RLIMIT_FSIZE, memory_mb << 20)
    lower(resource.RLIMIT_NOFILE, 64)
    lower(resource.RLIMIT_CORE, 0)


def _no_network() -> None:
    """A network namespace of its own where the kernel allows; in any case no socket from Python."""
    import socket

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError("a parser has no network")

    socket.socket = refuse  # type: ignore[misc,assignment]
    socket.create_connection = refuse
    socket.getaddrinfo = refuse
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).unshare(0x10000000 | 0x40000000)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    from hcc_assets.cells.reading.matrix_files import MatrixPart
    from hcc_assets.cells.reading.readers import decode

    part = MatrixPart(
        job["kind"],
        Path(job["matrix"]),
        Path(job["barcodes"]) if job["barcodes"] else None,
        Path(job["features"]) if job["features"] else None,
        job["part_genome"],
    )
    decoded = decode(part, job["genome"], columns=tuple(job["columns"]))
    out = Path(job["out"])
    for name, array in (
        ("data", decoded.counts.data),
        ("indices", decoded.counts.indices),
        ("indptr", decoded.counts.indptr),
    ):
        np.save(out / f"{name}.npy", array, allow_pickle=False)
    for name, texts in (
        ("barcodes", decoded.barcodes),
        ("ids", decoded.ids),
        ("symbols", decoded.symbols),
    ):
        (out / f"{name}.json").write_text(json.dumps(texts))
    return {
        "shape": list(decoded.counts.shape),
        "genome": decoded.genome,
        "source": decoded.source,
        "obs": decoded.obs,
    }


def main() -> int:
    """Read the job, decode, write ``result.json``; exit code 0 for decoded or refused."""
    job = json.load(sys.stdin)
    _limit(int(job["memory_mb"]), int(job["cpu_s"]))
    _no_network()
    from hcc_assets.cells.reading.refused import MatrixRefused

    try:
        result: dict[str, Any] = {"ok": _run(job)}
    except MatrixRefused as refused:
        result = {"refused": [refused.code, refused.message]}
    except MemoryError:
        result = {"refused": ["too_large", "the matrix needs more memory than one sample may take"]}
    target = Path(job["out"]) / "result.json"
    target.write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
