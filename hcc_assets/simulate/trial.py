"""Writes a whole simulated trial: the landing folder as sites and the sequencing core fill it, and
the truth beside it. Nothing is analysed here."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import scipy.sparse as sp

from hcc_assets.simulate.cells import SimulatedSample
from hcc_assets.simulate.clinical import TRIAL_DAYS, export, stories
from hcc_assets.simulate.matrices import write_mex
from hcc_assets.simulate.real_world import RealWorld
from hcc_assets.simulate.sdtm import STUDY_ID, SubjectStory
from hcc_assets.simulate.sites.habits import USUAL, Habits
from hcc_assets.simulate.subjects import START
from hcc_assets.simulate.world import World
from hcc_assets.simulate.worlds import chemistry_of, classes_of, sample_of, settings_of, world_of

Progress = Callable[[int, int, str], None]

SEQUENCING_DAYS: Final = 14
"""Days from a biopsy to its matrix; our choice."""

# Chance that the second biopsy is missing; the excess after progression makes it not at random
# (single-cell methods, section 3). Sizes are our choice.
_MISSING: Final = 0.12
_MISSING_AFTER_PROGRESSION: Final = 0.45
"""Shares of subjects."""

_SHEET: Final = (
    "sample_id subject_id timepoint collection_date path lesion_id tissue chemistry "
    "sequencing_run genome"
)
_STUDY_TOML: Final = f"""\
# The simulated study. Every key is optional; see the data contract for all of them.
[study]
id = "{STUDY_ID}"

[safety.aesi]  # MedDRA preferred terms
HYPERTENSION = ["Hypertension"]
PROTEINURIA = ["Proteinuria"]
HEPATOTOXICITY = [
  "Aspartate aminotransferase increased", "Alanine aminotransferase increased", \
"Blood bilirubin increased",
  "Gamma-glutamyltransferase increased", "Hepatic failure",
]
HAEMORRHAGE = ["Upper gastrointestinal haemorrhage"]
DIARRHOEA = ["Diarrhoea"]
"""


@dataclass(frozen=True)
class Biopsy:
    """A biopsy that was taken: ids, timepoint, day, and number of the patient in the world."""

    sample_id: str
    subject_id: str
    timepoint: str
    date: dt.date
    patient: int


@dataclass(frozen=True)
class TrialSummary:
    """What :func:`simulate_trial` wrote."""

    landing: Path
    truth: Path
    subjects: int
    samples: int
    export_id: str


def biopsies(told: list[SubjectStory], seed: int) -> list[Biopsy]:
    """Biopsies of the treated subjects in order of their day.

    One in the days before the first dose, one about six weeks after it. The second is missing at
    random given what was seen: 12 % of the time, 45 % where the first scan under treatment showed
    progression, always where the subject had died or was lost.
    """
    out = []
    for story in told:
        course = story.course
        if course.first_dose is None:
            continue
        rng = np.random.default_rng([seed, 12, course.index])
        wait = int(rng.integers(0, max((course.first_dose - course.consent).days - 1, 1)))
        out.append(
            Biopsy(
                f"{course.usubjid}-pre",
                course.usubjid,
                "pre",
                course.first_dose - dt.timedelta(days=wait),
                course.index,
            )
        )
        day = course.first_dose + dt.timedelta(days=int(rng.integers(38, 53)))
        early = any(s.number == 1 and s.response["OVRLRESP"] == "PD" for s in story.scans[1:])
        gone = any(d is not None and d <= day for d in (course.death, course.lost))
        if not gone and rng.random() >= (_MISSING_AFTER_PROGRESSION if early else _MISSING):
            out.append(Biopsy(f"{course.usubjid}-post", course.usubjid, "post", day, course.index))
    return sorted(out, key=lambda b: (b.date, b.sample_id))


def _write_sample(landing: Path, biopsy: Biopsy, sample: SimulatedSample) -> None:
    folder = landing / "matrices" / biopsy.sample_id
    if sample.empty is None or sample.empty_barcodes is None:
        write_mex(folder, sample.counts, sample.barcodes, sample.genes)
    else:
        write_mex(
            folder / "filtered_feature_bc_matrix", sample.counts, sample.barcodes, sample.genes
        )
        every = np.concatenate([sample.barcodes, sample.empty_barcodes])
        order = np.argsort(every.astype(str), kind="stable")
        stacked = sp.vstack([sample.counts, sample.empty], format="csr")[order]
        write_mex(folder / "raw_feature_bc_matrix", stacked, every[order], sample.genes)
    (folder / "_DONE").write_bytes(b"")


def _sample_sheet(taken: list[Biopsy], world: World | RealWorld) -> pd.DataFrame:
    rows = [
        {
            "sample_id": b.sample_id,
            "subject_id": b.subject_id,
            "timepoint": b.timepoint,
            "collection_date": b.date.isoformat(),
            "path": f"matrices/{b.sample_id}",
            "lesion_id": "T01",
            "tissue": "LIVER",
            "chemistry": chemistry_of(world, b.patient, b.timepoint),
            "sequencing_run": f"RUN{(b.date - START).days // 60 + 1:02d}",
            "genome": "GRCh38",
        }
        for b in taken
    ]
    return pd.DataFrame(rows, columns=_SHEET.split())


def _csv(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode())


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False)


def _world_truth(truth: Path, world: World | RealWorld, taken: list[Biopsy]) -> None:
    _parquet(world.effects, truth / "de_genes.parquet")
    effect = [
        {"cell_class": c, "log_effect": world.composition_effect.get(c, 0.0)}
        for c in classes_of(world)
    ]
    _parquet(pd.DataFrame(effect), truth / "composition_effects.parquet")
    patients = {b.subject_id: world.patient(b.patient) for b in taken}
    arms = [
        {"subject_id": s, "arm": arm, "factor": factor, "share": 1.0}
        for s, p in patients.items()
        for arm, factor in p.arms.items()
    ] + [
        {"subject_id": s, "arm": p.subclone_arm, "factor": np.nan, "share": p.subclone_share}
        for s, p in patients.items()
    ]
    _parquet(
        pd.DataFrame(arms, columns=["subject_id", "arm", "factor", "share"]),
        truth / "copy_number.parquet",
    )


def simulate_trial(
    folder: Path,
    *,
    subjects: int = 12,
    cells: int = 1500,
    seed: int = 0,
    setting: str = "easy",
    progress: Progress | None = None,
    until: dt.date | None = None,
    ugly: bool = False,
    empty_droplets: int = 0,
    habits: Habits = USUAL,
) -> TrialSummary:
    """Write a simulated trial into ``folder``: ``landing/``, ``study.toml`` and, outside landing,
    ``truth/``.

    Parameters
    ----------
    folder
        Data home; a second call with the same arguments and a later ``until`` adds what arrived in
        between.
    subjects, cells
        Subjects who consent, droplets with cells per biopsy.
    seed
        Same arguments, same bytes.
    setting
        ``easy``, ``hard``, ``null``, or ``real``: cells from public profiles
        (`real_world`).
    progress
        Called as ``progress(done, total, label)`` before each piece of work and once at the end.
    until
        Only what had arrived by this day (matrices come 14 days after the biopsy); 480 days after
        the first possible consent by default.
    ugly
        Spoil the clinical tables of a few subjects; ``truth/issues.parquet`` names the checks that
        must fire.
    empty_droplets
        Where above 0, deliver raw matrices with so many empty droplets beside the filtered ones.
    habits
        How sites deliver: late, partial, unscheduled, by two criteria; ``sites.habits.CLEAN`` is a
        trial without any of it, with the same subjects, sizes, events and biopsies.

    Returns
    -------
    TrialSummary

    Raises
    ------
    FileExistsError
        ``folder`` holds another simulated trial.
    """
    settings = settings_of(setting)
    until = until or START + dt.timedelta(days=TRIAL_DAYS)
    landing, truth = folder / "landing", folder / "truth"
    identity = {
        "subjects": subjects,
        "cells": cells,
        "seed": seed,
        "ugly": ugly,
        "empty_droplets": empty_droplets,
        "setting": setting,
    }
    identity["settings"] = asdict(settings)
    identity["habits"] = asdict(habits)
    card = truth / "trial.json"
    written = json.dumps(identity, indent=1) + "\n"
    if card.exists() and card.read_text(encoding="utf-8") != written:
        raise FileExistsError(
            "the folder holds another simulated trial; "
            "take an empty one, or the same subjects, cells, seed, setting and habits"
        )
    truth.mkdir(parents=True, exist_ok=True)
    card.write_text(written, encoding="utf-8")
    world = world_of(settings, seed)
    told = stories(subjects, seed, hazard_effect=settings.hazard_effect, habits=habits)
    taken = [
        b for b in biopsies(told, seed) if b.date + dt.timedelta(days=SEQUENCING_DAYS) <= until
    ]
    tell = progress or (lambda done, total, label: None)
    total = len(taken) + 1
    tell(0, total, "clinical export")
    trial = export(told, until=until, ugly=ugly, seed=seed)
    folder_of_export = landing / "clinical" / until.isoformat()
    for domain, table in trial.tables.items():
        _csv(table, folder_of_export / f"{domain}.csv")
    (folder_of_export / "_DONE").write_bytes(b"")
    _parquet(trial.responses, truth / "responses.parquet")
    _parquet(trial.progression, truth / "progression.parquet")
    _parquet(trial.endpoints, truth / "endpoints.parquet")
    _parquet(trial.issues, truth / "issues.parquet")
    _world_truth(truth, world, taken)
    for done, biopsy in enumerate(taken, start=1):
        tell(done, total, biopsy.sample_id)
        cell_truth = truth / "cells" / f"{biopsy.sample_id}.parquet"
        if cell_truth.exists() and (landing / "matrices" / biopsy.sample_id / "_DONE").exists():
            continue
        sample = sample_of(
            world, biopsy.patient, biopsy.timepoint, cells, seed, empty_droplets=empty_droplets
        )
        _write_sample(landing, biopsy, sample)
        shares = pd.DataFrame(
            {"cell_class": list(sample.composition), "expected": list(sample.composition.values())}
        )
        observed = sample.truth["cell_class"].value_counts()
        shares["n_cells"] = shares["cell_class"].map(observed).fillna(0).astype(int)
        _parquet(
            shares.assign(sample_id=biopsy.sample_id),
            truth / "compositions" / f"{biopsy.sample_id}.parquet",
        )
        _parquet(sample.truth.assign(sample_id=biopsy.sample_id), cell_truth)
    _csv(_sample_sheet(taken, world), landing / "samples.csv")
    if not (folder / "study.toml").exists():
        (folder / "study.toml").write_text(_STUDY_TOML, encoding="utf-8")
    tell(total, total, "done")
    return TrialSummary(landing, truth, len(trial.tables["dm"]), len(taken), until.isoformat())
