"""Data homes to measure on: a simulated trial whose samples are delivered one by one.

How a home is brought up to date is not decided here.
"""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from hcc_assets.simulate.cells import SimulationSettings, make_world, simulate_sample
from hcc_assets.simulate.clinical import TRIAL_DAYS, stories
from hcc_assets.simulate.matrices import write_mex
from hcc_assets.simulate.subjects import START
from hcc_assets.simulate.trial import SEQUENCING_DAYS, biopsies, simulate_trial

SEED = 6
REFERENCE_PATIENTS = 4
STRANGERS = 10_000
"""Patients of the same world that are in no trial, for the labelled reference."""


@dataclass
class TrialHome:
    """A home and the deliveries that have not arrived yet.

    Attributes
    ----------
    root, stash
        The home, and the folder of withheld matrices.
    waiting
        Rows of ``samples.csv`` that are withheld, in the order of collection.
    delivered
        Number of samples in ``samples.csv``.
    """

    root: Path
    stash: Path
    waiting: list[dict[str, str]] = field(default_factory=list)
    delivered: int = 0

    def deliver(
        self, number: int = 1, *, matrix: Path | None = None, tissue: str | None = None
    ) -> list[str]:
        """Let the next samples arrive; ``matrix`` is delivered in place of the withheld one.

        Returns their ids.
        """
        arrived = []
        for _ in range(number):
            row = self.waiting.pop(0)
            target = self.root / "landing" / row["path"]
            shutil.rmtree(target, ignore_errors=True)
            if matrix is None:
                shutil.move(self.stash / row["sample_id"], target)
            else:
                shutil.copytree(matrix, target)
                (target / "_DONE").touch()
            _append(
                self.root / "landing" / "samples.csv", row | ({"tissue": tissue} if tissue else {})
            )
            arrived.append(row["sample_id"])
        self.delivered += number
        return arrived

    def correct_clinical(self) -> str:
        """A newer export in which one adverse event has another grade. Returns its id."""
        folder = self.root / "landing" / "clinical"
        newest = max(p.name for p in folder.iterdir() if p.is_dir())
        later = (dt.date.fromisoformat(newest) + dt.timedelta(days=1)).isoformat()
        shutil.copytree(folder / newest, folder / later)
        path = folder / later / "ae.csv"
        events = pd.read_csv(path, dtype=str, keep_default_na=False)
        at = events.index[events["AETOXGR"].isin(["1", "2"])][0]
        events.loc[at, ["AETOXGR", "AESEV"]] = (
            ["2", "MODERATE"] if events.loc[at, "AETOXGR"] == "1" else ["1", "MILD"]
        )
        events.to_csv(path, index=False, lineterminator="\n")
        return later

    def copy(self, root: Path) -> TrialHome:
        """The same home at another place, to be changed there; withheld matrices stay where they
        are."""
        shutil.copytree(self.root, root)
        return TrialHome(root, self.stash, [dict(r) for r in self.waiting], self.delivered)

    def matrices(self) -> list[Path]:
        """Folders of the delivered matrices."""
        with (self.root / "landing" / "samples.csv").open(newline="") as file:
            return [self.root / "landing" / row["path"] for row in csv.DictReader(file)]


def make_home(root: Path, *, samples: int, withheld: int, cells: int, labelled: bool) -> TrialHome:
    """Simulate a trial of which ``samples`` biopsies have been delivered and ``withheld`` have not.

    Parameters
    ----------
    cells
        Per sample.
    labelled
        Put a labelled reference (other patients of the same world) into ``landing/reference``, so
        that it is frozen from the first refresh.
    """
    subjects = _subjects_for(samples + withheld)
    simulate_trial(root, subjects=subjects, cells=cells, seed=SEED)
    with (root / "study.toml").open("a") as settings:
        settings.write("\n[samples]\nsettle_seconds = 0\n")
    shutil.rmtree(root / "truth")
    if labelled:
        write_reference(root / "landing" / "reference" / "labelled.h5ad")
    sheet = root / "landing" / "samples.csv"
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    stash = root.with_name(root.name + "_stash")
    stash.mkdir()
    for row in rows[samples:]:
        shutil.move(root / "landing" / row["path"], stash / row["sample_id"])
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[:samples])
    return TrialHome(root, stash, rows[samples:], samples)


def write_sample(folder: Path, cells: int) -> Path:
    """One simulated biopsy of a patient who is in no trial, as a Cell Ranger folder."""
    sample = simulate_sample(
        make_world(SEED, SimulationSettings.easy()), STRANGERS - 1, "pre", cells, SEED
    )
    write_mex(folder, sample.counts, sample.barcodes, sample.genes)
    return folder


def write_reference(path: Path, cells: int = 1500) -> None:
    """A labelled reference: undamaged single cells of four patients who are in no trial."""
    from anndata import AnnData, concat

    world, parts = make_world(SEED, SimulationSettings.easy()), []
    for patient in range(STRANGERS, STRANGERS + REFERENCE_PATIENTS):
        sample = simulate_sample(world, patient, "pre", cells, SEED)
        keep = (~sample.truth["doublet"] & ~sample.truth["damaged"]).to_numpy()
        obs = pd.DataFrame(
            {"cell_class": sample.truth["cell_class"].to_numpy()[keep], "sample_id": f"R{patient}"},
            index=sample.barcodes[keep],
        )
        obs.index = [f"{patient}-{name}" for name in obs.index]
        var = sample.genes[["gene_id", "gene"]].set_index(
            pd.Index(sample.genes["gene_id"].to_numpy(dtype=object))
        )
        parts.append(AnnData(sample.counts[keep].astype(np.int32), obs=obs, var=var))
    path.parent.mkdir(parents=True, exist_ok=True)
    concat(parts, merge="same").write_h5ad(path)


def delivered_bytes(folder: Path) -> int:
    """Size of a delivery."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _subjects_for(samples: int) -> int:
    until = START + dt.timedelta(days=TRIAL_DAYS)
    for subjects in range(max(samples // 2, 2), 10 * samples + 10):
        taken = [
            b
            for b in biopsies(stories(subjects, SEED), SEED)
            if b.date + dt.timedelta(days=SEQUENCING_DAYS) <= until
        ]
        if len(taken) >= samples:
            return subjects
    raise ValueError(f"no trial of this seed has {samples} biopsies")


def _append(sheet: Path, row: dict[str, str]) -> None:
    with sheet.open("a", newline="") as file:
        csv.DictWriter(file, list(row), lineterminator="\n").writerow(row)
