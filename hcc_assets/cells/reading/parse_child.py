"""The child process of ``isolation``: limited by ``confined``, decodes one matrix, writes plain
arrays. Genes are judged by the parent; pandas stays out.

Run as ``python -m hcc_assets.cells.reading.parse_child`` with a JSON job on standard input.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hcc_assets.confined import within


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
    job = within.job()
    from hcc_assets.cells.reading.refused import MatrixRefused

    try:
        result: dict[str, Any] = {"ok": _run(job)}
    except MatrixRefused as refused:
        result = {"refused": [refused.code, refused.message]}
    except MemoryError:
        result = {"refused": ["too_large", "the matrix needs more memory than one sample may take"]}
    within.hand_back(Path(job["out"]) / "result.json", result)
    return 0


if __name__ == "__main__":
    within.leave(main())
