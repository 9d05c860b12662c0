"""Class profiles of several public studies, the prior of the annotation.

Built by ``benchmarks/prior.py``; which study, which column, known faults and licences are in
``docs/prior.md``. How it meets the cells of a cohort belongs to ``cells.reference``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.study.genes import gene_id_of

Matrix = npt.NDArray[np.float64]

PRIOR_FILE: Final = Path(__file__).parent / "data/prior.parquet"
VERSION: Final = "2"
"""Of the prior: another file is another version."""
FLOOR: Final = 1e-6
"""Share below which profiles of the studies do not differ: own choice, a molecule in a million."""
_STEPS: Final = 1000
"""Steps per natural-log unit in the file: own choice, a thousandth, below any difference that
matters."""
EPITHELIUM: Final = "epithelium"
"""Epithelium of other organs: no class of ours, but a cell that is likest to it is epithelial."""


@dataclass(frozen=True)
class Prior:
    """Profiles by state.

    Attributes
    ----------
    genes, symbols
        Key (Ensembl id where known) and symbol of each gene, sorted by key.
    states
        ``class/state`` of each profile.
    shares
        States x genes: share of molecules; rows sum to 1.
    within, between
        Per gene: variance of the log share between studies of one state, and between states.
    """

    genes: npt.NDArray[np.object_]
    symbols: npt.NDArray[np.object_]
    states: tuple[str, ...]
    shares: Matrix
    within: npt.NDArray[np.float64]
    between: npt.NDArray[np.float64]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class of each profile; `EPITHELIUM` is none of ours."""
        return tuple(s.partition("/")[0] for s in self.states)


def write_prior(frame: pd.DataFrame) -> bytes:
    """The file of the prior. Equal frames give equal bytes.

    Parameters
    ----------
    frame
        A row per gene: ``gene`` (symbol), ``within``, ``between``, a column ``class/state`` of
        natural-log shares per profile.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def stored(column: pd.Series) -> pa.Array:
        return pa.array(np.round(column.to_numpy() * _STEPS).astype(np.int16), pa.int16())

    columns = {
        "gene": pa.array(frame["gene"].astype(str).tolist(), pa.string()),
        **{name: stored(frame[name]) for name in frame.columns if name != "gene"},
    }
    table = pa.table(columns).replace_schema_metadata({"hcc_prior": VERSION})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


@lru_cache(maxsize=1)
def prior() -> Prior:
    """The prior that ships with the package."""
    return read_prior(PRIOR_FILE.read_bytes())


def read_prior(data: bytes) -> Prior:
    """The inverse of `write_prior`."""
    import pyarrow.parquet as pq

    frame = pq.read_table(io.BytesIO(data)).to_pandas()
    by_symbol = gene_id_of()
    keys = np.array([by_symbol.get(s, s) for s in frame["gene"]], dtype=object)
    order = pd.Series(keys).drop_duplicates().sort_values(kind="stable").index.to_numpy()
    states = tuple(c for c in frame.columns if c not in ("gene", "within", "between"))
    logs = frame[list(states)].to_numpy(dtype=float)[order].T / _STEPS
    shares = np.exp(logs)
    return Prior(
        keys[order],
        frame["gene"].to_numpy(dtype=object)[order],
        states,
        shares / shares.sum(axis=1, keepdims=True),
        frame["within"].to_numpy(dtype=float)[order] / _STEPS,
        frame["between"].to_numpy(dtype=float)[order] / _STEPS,
    )
