"""A small simulated cohort with its truth, made once for the tests of reference and annotation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from anndata import AnnData

from hcc_assets.cells.quality.assessment import QcResult, assess
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.cells.reference.model import Reference
from hcc_assets.cells.reference.teaching import SampleInput
from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.study.config import StudyConfig

CONFIG = StudyConfig()


@dataclass(frozen=True)
class Simulated:
    sample_id: str
    subject_id: str
    counts: AnnData
    qc: QcResult
    truth: pd.DataFrame

    def input(self) -> SampleInput:
        return SampleInput(self.sample_id, lambda: (self.counts, self.qc), self.subject_id)


@lru_cache(maxsize=4)
def cohort(
    patients: int = 4,
    cells: int = 500,
    setting: str = "easy",
    genes: int = 6000,
    novel: float = 0.0,
) -> tuple[Simulated, ...]:
    from dataclasses import replace

    world = make_world(5, replace(SimulationSettings.named(setting), n_genes=genes, novel=novel))
    out = []
    for p in range(patients):
        for timepoint in ("pre", "post"):
            drawn = simulate_sample(world, p, timepoint, cells, 0)
            var = (
                drawn.genes[["gene_id", "gene"]].set_index("gene_id", drop=False).rename_axis(None)
            )
            counts = AnnData(
                drawn.counts, obs=pd.DataFrame(index=drawn.barcodes.astype(str)), var=var
            )
            out.append(
                Simulated(f"P{p}-{timepoint}", f"P{p}", counts, assess(counts, CONFIG), drawn.truth)
            )
    return tuple(out)


@lru_cache(maxsize=1)
def reference() -> Reference:
    return build_reference([s.input() for s in cohort()[:6]], CONFIG)
