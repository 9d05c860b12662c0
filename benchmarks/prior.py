"""Builds the prior of class profiles that ships with the package, from public files.

``python -m benchmarks.prior FOLDER``: the folder holds ``<study>.csv.gz`` of
Nanostring-Biostats/CellProfileLibrary (Human/Adult, Human/COVID-Infected; CC BY 4.0) and
``numbat_hca_counts.csv.gz`` (``ref_hca`` of kharchenkolab/numbat; MIT). It writes
``hcc_assets/study/data/prior.parquet``. Sources and known faults are in ``docs/prior.md``.

Profiles of different studies are not on one scale: some are means of logarithms, which flattens
them, and those of the liver carry its ambient RNA. Per study a power is taken at which its profiles
are likeliest for the same classes of studies on the scale of counts; from the liver the share of
hepatocyte RNA that its other cells carry is subtracted first.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.prior_states import STATES
from hcc_assets.study.prior import FLOOR, PRIOR_FILE, write_prior

Matrix = npt.NDArray[np.float64]

COUNT_SCALE: Final = ("Lung_HCA", "Spleen_HCA", "ImmuneCensus_HCA")
"""Studies whose profiles are means of counts: the scale of the prior."""
AMBIENT_OF: Final = {
    "Liver_HCA": "hepatocyte",
    "Bronchoalveolar_lavage_fluid_COVID19_cellAtlas": "macrophage",
}
"""Studies with ambient RNA in every column, and the class that it comes from."""
POWERS: Final = np.arange(0.8, 2.55, 0.1)
"""Own choice: past what any of the studies needs."""
WIDELY_MEASURED: Final = 0.6
"""Share of the studies that must have a gene: own choice."""
ANY_EPITHELIUM: Final = "epithelium/any"
"""Mean of the epithelia: no column of a study."""
DIVIDING: Final = {
    "B/germinal": ("B/mature", "B/naive"),
    "plasma/plasmablast": ("plasma/plasma",),
}
"""States of dividing cells and their resting kin."""
DIVIDING_APART: Final = 1.0
"""Log ratio: own choice; 276 genes, MKI67, TOP2A, TYMS, PCNA and MCM2 to 7 among them."""


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """Genes x columns of each study; a gene that is named twice counts once."""
    found = {}
    for study in STATES:
        frame = pd.read_csv(folder / f"{study}.csv.gz", index_col=0)
        found[study] = frame[frame.index.notna() & ~frame.index.duplicated()]
    return found


def shares_of(values: Matrix, power: float) -> Matrix:
    """Shares of a study's columns (rows here) sharpened by a power; genes it lacks stay NaN."""
    out = values / np.nansum(values, axis=1, keepdims=True)
    out = out**power
    return np.asarray(out / np.nansum(out, axis=1, keepdims=True), dtype=float)


def without_ambient(values: Matrix, classes: list[str], source: str) -> Matrix:
    """Columns of other classes less the share of the source class that all of them carry: the tenth
    percentile of their ratio over the 200 genes that mark the source most."""
    own = np.array([c == source for c in classes])
    soup = np.nanmean(values[own], axis=0)
    rest = np.nanmean(values[~own], axis=0)
    mark = np.argsort(np.nan_to_num(rest - soup, nan=np.inf))[:200]
    out = values.copy()
    for i in np.flatnonzero(~own):
        share = float(np.nanpercentile(values[i, mark] / soup[mark], 10))
        out[i] = np.maximum(values[i] - share * soup, 0.02 * values[i])
    return out


def of_dividing_cells(found: dict[str, Matrix]) -> npt.NDArray[np.bool_]:
    """Genes that dividing cells of two classes have more of than their resting kin: any class
    divides, so they tell none. None where a study with dividing cells is left out."""
    out = np.ones(len(next(iter(found.values()))), dtype=bool)
    for dividing, resting in DIVIDING.items():
        if dividing not in found:
            return np.zeros_like(out)
        rest = np.max([found[r] for r in resting if r in found], axis=0)
        out &= found[dividing] - rest > DIVIDING_APART
    return out


def best_power(values: Matrix, classes: list[str], consensus: dict[str, Matrix]) -> float:
    """Power at which a study's profiles give the same classes on the scale of counts the highest
    likelihood."""
    score = []
    for power in POWERS:
        shares = shares_of(values, power)
        total = []
        for profile, name in zip(shares, classes, strict=True):
            if name not in consensus:
                continue
            both = np.isfinite(profile) & np.isfinite(consensus[name])
            q = consensus[name][both] / consensus[name][both].sum()
            p = profile[both] / profile[both].sum()
            total.append(float((q * np.log(p + FLOOR)).sum()))
        score.append(np.mean(total))
    return float(round(POWERS[int(np.argmax(score))], 1))


def build(folder: Path, leave_out: str | None = None) -> pd.DataFrame:
    """The prior as `hcc_assets.study.prior` reads it; ``leave_out`` leaves out a study, for
    validation."""
    tables = {s: t for s, t in read(folder).items() if s != leave_out}
    number = Counter(gene for t in tables.values() for gene in t.index)
    genes = np.array(
        sorted(g for g, n in number.items() if n >= WIDELY_MEASURED * len(tables)), dtype=object
    )
    values, states = {}, {}
    for study, table in tables.items():
        states[study] = list(STATES[study].values())
        block = table.reindex(genes)[list(STATES[study])].to_numpy(dtype=float).T
        if study in AMBIENT_OF:
            classes = [s.split("/")[0] for s in states[study]]
            block = without_ambient(block, classes, AMBIENT_OF[study])
        values[study] = block
    on_scale = [s for s in COUNT_SCALE if s in tables]
    rows = np.concatenate([shares_of(values[s], 1.0) for s in on_scale])
    names = np.array([x.split("/")[0] for s in on_scale for x in states[s]])
    consensus = {
        k: np.exp(np.nanmean(np.log(rows[names == k] + FLOOR), axis=0)) for k in np.unique(names)
    }
    shares = []
    for study, block in values.items():
        classes = [s.split("/")[0] for s in states[study]]
        power = 1.0 if study in on_scale else best_power(block, classes, consensus)
        print(f"{study}: {len(block)} columns, power {power}")
        shares.append(shares_of(block, power))
    every = np.log(np.concatenate(shares) + FLOOR)
    owner = np.array([s for v in states.values() for s in v])
    found: dict[str, Matrix] = {}
    scatter = []
    for state in np.unique(owner):
        mine = every[owner == state]
        found[str(state)] = np.nanmean(mine, axis=0)
        if len(mine) > 1:
            scatter.append(np.nanvar(mine, axis=0, ddof=1))
    # a gene that no study of a state has: what the other states of its class, then all have
    whole = np.nanmean(np.array(list(found.values())), axis=0)
    for state, profile in found.items():
        kin = [p for s, p in found.items() if s.split("/")[0] == state.split("/")[0]]
        near = np.nanmean(np.array(kin), axis=0)
        found[state] = np.where(
            np.isfinite(profile), profile, np.where(np.isfinite(near), near, whole)
        )
    # epithelium of an organ that no study has is still likest to what epithelia share
    found[ANY_EPITHELIUM] = np.mean(
        [p for s, p in found.items() if s.split("/")[0] in ("epithelium", "cholangiocyte")], axis=0
    )
    within = np.nanmean(np.array(scatter), axis=0)
    between = np.var(np.array(list(found.values())), axis=0)
    within = np.where(np.isfinite(within), within, np.nanmedian(within))
    between = np.where(of_dividing_cells(found), 0.0, between)
    return pd.DataFrame({"gene": genes, "within": within, "between": between, **found})


def main() -> None:
    """Build the file and say how large it is."""
    import warnings

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    with warnings.catch_warnings():
        # genes that one study lacks are means over no column there
        warnings.simplefilter("ignore", RuntimeWarning)
        frame = build(parser.parse_args().folder)
    data = write_prior(frame)
    PRIOR_FILE.write_bytes(data)
    print(f"{len(frame)} genes, {frame.shape[1] - 3} states, {len(data) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
