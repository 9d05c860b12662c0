"""The reference that labels cells: named by the hash of its content, stored as Parquet, published
as a table.

How it is built is in ``building``; its use is in ``annotation``.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from hcc_assets.cells.reference.outliers import OutlierLimits
from hcc_assets.cells.reference.reliability import ReliabilityBin
from hcc_assets.schemas.base import conform
from hcc_assets.schemas.reference import ReferenceSummary
from hcc_assets.study.classes import CELL_CLASSES, PRIMARY_CLASSES
from hcc_assets.study.confidence import ConfidenceMap

Kind = Literal["labels", "cohort", "provisional"]


class ReferenceOutdated(ValueError):
    """A reference that another version of the code wrote and this one cannot use."""


@dataclass(frozen=True)
class Reference:
    """A model of the cell classes.

    Attributes
    ----------
    kind
        ``labels``: trained from a delivered reference; ``cohort``: frozen from the study's own
        samples; ``provisional``: as ``cohort``, before it may freeze.
    genes, symbols
        Key (Ensembl id where known) and symbol of each gene.
    weight
        Weight of each gene, 0 to 1.
    shares
        Profiles x genes (float32): share of molecules of each state of each class; rows sum to 1.
    owner
        Class of each profile: place in `study.classes.CELL_CLASSES`.
    n_cells
        Training cells of each profile.
    temperature
        Of `temperature.temperature_at`: at which held-out cells have the confidence they
        deserve.
    limits
        What a cell of each profile looks like at its depth, for cells of no known type.
    log_size
        Median natural log of the molecules of each class's training cells over these genes (NaN
        without cells); one per class of `CELL_CLASSES`.
    seeds
        Seed cells by class (label-free) over the training samples.
    sample_ids
        Samples that taught the reference.
    calibration
        Expected calibration error of each class on held-out training cells, or where `confidence`
        had learned nothing, whichever is more.
    prior
        Version of the prior whose profiles stand behind those of the cohort; empty without one.
    confidence
        Map from posterior to confidence; None where posteriors are taken as they are.
    reliability
        Per source of labels and bin of confidence: mean confidence, share right, cells.
    unsupported
        By class, log-likelihood ratio below which its markers are missing
        (`marker_support.support_limits`); classes that are not there, and references made before
        it was learned, have `marker_support.UNSUPPORTED`.
    """

    kind: Kind
    genes: npt.NDArray[np.object_]
    symbols: npt.NDArray[np.object_]
    weight: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float32]
    owner: npt.NDArray[np.intp]
    n_cells: npt.NDArray[np.intp]
    temperature: tuple[float, float]
    limits: OutlierLimits
    log_size: npt.NDArray[np.float64]
    seeds: dict[str, int]
    sample_ids: tuple[str, ...]
    calibration: dict[str, float] = field(default_factory=dict)
    prior: str = ""
    confidence: ConfidenceMap | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    unsupported: dict[str, float] = field(default_factory=dict)

    @property
    def frozen(self) -> bool:
        """False while calls are provisional."""
        return self.kind != "provisional"

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that have a profile, in reporting order."""
        return tuple(CELL_CLASSES[k] for k in np.unique(self.owner))

    @cached_property
    def training_cells(self) -> npt.NDArray[np.float64]:
        """Cells of the cohort that taught each class of `CELL_CLASSES`."""
        out = np.zeros(len(CELL_CLASSES))
        np.add.at(out, self.owner, self.n_cells)
        return out

    @cached_property
    def version(self) -> str:
        """Kind and hash of the content: equal content, equal version."""
        return f"{self.kind}-{hashlib.sha256(self._content()).hexdigest()[:12]}"

    def _header(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "owner": [CELL_CLASSES[k] for k in self.owner],
            "n_cells": [int(n) for n in self.n_cells],
            "temperature": list(self.temperature),
            "limits": self.limits.to_lists(),
            "log_size": [None if np.isnan(v) else float(v) for v in self.log_size],
            "seeds": dict(sorted(self.seeds.items())),
            "sample_ids": sorted(self.sample_ids),
            # a reference frozen before it was kept has none, and keeps its version
            **({"calibration": dict(sorted(self.calibration.items()))} if self.calibration else {}),
            **({"prior": self.prior} if self.prior else {}),
            **({"confidence": self.confidence.to_dict()} if self.confidence else {}),
            **({"reliability": [list(b) for b in self.reliability]} if self.reliability else {}),
            **({"unsupported": dict(sorted(self.unsupported.items()))} if self.unsupported else {}),
        }

    def _content(self) -> bytes:
        text = (
            json.dumps(self._header(), sort_keys=True)
            + "\n"
            + "\t".join(map(str, self.genes))
            + "\n"
            + "\t".join(map(str, self.symbols))
            + "\n"
        )
        return (
            text.encode()
            + self.weight.astype("<f4").tobytes()
            + np.ascontiguousarray(self.shares.astype("<f4")).tobytes()
        )

    def to_parquet_bytes(self) -> bytes:
        """The reference as one Parquet file: a row per gene, a column per profile, all else in the
        schema's metadata. Equal references give equal bytes.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns: dict[str, Any] = {
            "gene": pa.array([str(g) for g in self.genes], pa.string()),
            "symbol": pa.array([str(s) for s in self.symbols], pa.string()),
            "weight": pa.array(self.weight.astype(np.float32), pa.float32()),
        }
        for i, k in enumerate(self.owner):
            columns[f"{i:03d} {CELL_CLASSES[k]}"] = pa.array(self.shares[i], pa.float32())
        table = pa.table(columns).replace_schema_metadata(
            {"hcc_reference": json.dumps(self._header(), sort_keys=True)}
        )
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return sink.getvalue()

    @classmethod
    def from_parquet_bytes(cls, data: bytes) -> Reference:
        """The inverse of `to_parquet_bytes`.

        Raises
        ------
        ValueError
            The file is Parquet but no reference.
        ReferenceOutdated
            It was written by a version of the code that kept something else.
        """
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data))
        header = (table.schema.metadata or {}).get(b"hcc_reference")
        if header is None:
            raise ValueError("not a reference: the Parquet file has no reference header")
        try:
            h = json.loads(header)
            shares = np.array(
                [table.column(i + 3).to_numpy() for i in range(len(h["owner"]))], dtype=np.float32
            )
            sizes = np.array([np.nan if v is None else v for v in h["log_size"]], dtype=float)
            return cls(
                h["kind"],
                np.array(table.column("gene").to_pylist(), dtype=object),
                np.array(table.column("symbol").to_pylist(), dtype=object),
                table.column("weight").to_numpy().astype(float),
                shares.reshape(len(h["owner"]), table.num_rows),
                np.array([CELL_CLASSES.index(c) for c in h["owner"]], dtype=np.intp),
                np.array(h["n_cells"], dtype=np.intp),
                _pair(h["temperature"]),
                OutlierLimits.from_lists(h["limits"]),
                sizes,
                {str(k): int(v) for k, v in h["seeds"].items()},
                tuple(h["sample_ids"]),
                {str(k): float(v) for k, v in h.get("calibration", {}).items()},
                str(h.get("prior", "")),
                ConfidenceMap.from_dict(h["confidence"]) if "confidence" in h else None,
                tuple(ReliabilityBin(*row) for row in h.get("reliability", [])),
                {str(k): float(v) for k, v in h.get("unsupported", {}).items()},
            )
        except (KeyError, IndexError, TypeError, ValueError):
            raise ReferenceOutdated(
                "the reference that stands was made by another version of the code, which kept "
                "something else"
            ) from None


def _pair(values: list[float]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def reference_summary(reference: Reference) -> pd.DataFrame:
    """Published table ``annotation_reference``: one row per class (but ``unassigned``)."""
    rows = []
    for k, name in enumerate(CELL_CLASSES[:-1]):
        mine = reference.owner == k
        unknown = float("nan") if reference.kind == "labels" else 0.0
        rows.append(
            {
                "reference_version": reference.version,
                "kind": reference.kind,
                "cell_class": name,
                "primary": name in PRIMARY_CLASSES,
                "n_profiles": int(mine.sum()),
                "n_training_cells": int(reference.n_cells[mine].sum()),
                "n_seed": float(reference.seeds.get(name, unknown)),
                "n_samples": len(reference.sample_ids),
                "n_genes": len(reference.genes),
                "temperature": reference.temperature[0],
            }
        )
    return conform(ReferenceSummary, pd.DataFrame(rows))
