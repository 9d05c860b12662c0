"""A little catalogue and homes for it: a file is read, doubled, and summed over samples."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pandera.pandas as pa
from matplotlib.figure import Figure

from hcc_assets.assets.definition import Asset, Output, Refused, Verdict, asset
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.inputs import (
    Basis,
    BySample,
    Earlier,
    Input,
    SampleRow,
    Version,
    View,
)
from hcc_assets.home.manifests import Bundle
from hcc_assets.home.paths import Home
from hcc_assets.schemas.base import Table
from hcc_assets.study.config import StudyConfig

HEADER = "sample_id,subject_id,timepoint,collection_date,path,tissue\n"
SETTINGS = "[samples]\nsettle_seconds = 0\n"
GOOD = [["a", 1.0]]
"""Content of ``numbers.json`` that is published."""


class Numbers(Table):
    """A table of the tests."""

    key: str = pa.Field(description="Key")
    value: float = pa.Field(ge=0, nullable=True, description="Value")

    class Config(Table.Config):
        name = "numbers"
        unique = ["key"]


class Doubles(Numbers):
    class Config(Table.Config):
        name = "doubles"


@dataclass(frozen=True)
class Landed(Input):
    """What a JSON file of ``landing/`` holds."""

    name: str

    def basis(self, view: View, key: str | None) -> Basis | None:
        path = view.home.landing / self.name
        return Basis(deliveries={self.name: path.read_text()}) if path.exists() else None

    def value(self, view: View, key: str | None) -> Any:
        return json.loads((view.home.landing / self.name).read_text())


@asset(model=Numbers)
def numbers(raw: Annotated[Any, Landed("numbers.json")]) -> pd.DataFrame:
    """Numbers of a file. As they are."""
    if raw == "refuse":
        raise Refused("numbers.json row 1: not a number")
    if raw == "crash":
        raise ValueError("the secret name of a patient")
    return pd.DataFrame(raw, columns=["key", "value"])


@numbers.check(severity="WARN", todo="Look at the file.")
def enough(table: pd.DataFrame) -> Verdict:
    """There is a number"""
    return Verdict(bool(len(table)), f"{len(table)} numbers", len(table))


@asset(model=Doubles, settings=("recist.confirmation_days",))
def doubles(numbers: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Numbers, doubled. They rest on a setting."""
    assert config.recist.confirmation_days
    return numbers.assign(value=numbers["value"] * 2)


@doubles.figure
def line(table: pd.DataFrame) -> Mapping[str, Figure]:
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot(table["value"])
    return {"doubles_line": figure}


TABLES: dict[str, Asset] = {"numbers": numbers, "doubles": doubles}


@asset(per_sample=True)
def raw_counts(sample: SampleRow) -> Output:
    """What a sample is called. And when it was taken."""
    frame = pd.DataFrame({"name": [sample.sample_id], "timepoint": [sample.timepoint]})
    return Output(bundle=Bundle(frames={"t": frame}))


@asset(per_sample=True)
def course(
    raw_counts: Version,
    sample: SampleRow,
    earlier: Annotated[BySample, Earlier("course")],
) -> Output:
    """Names of the subject's samples so far. The earlier ones first."""
    names = [n for v in earlier.values() for n in v.frame("t")["name"]]
    frame = pd.DataFrame({"name": [*names, *raw_counts.frame("t")["name"]]})
    return Output(bundle=Bundle(frames={"t": frame}))


@course.figure
def course_figure(output: Output, sample: SampleRow) -> Mapping[str, Figure]:
    figure = Figure(figsize=(len(output.bundle.frames["t"]), 1))
    return {f"course_{sample.subject_id}": figure}


@asset(model=Numbers)
def everybody(raw_counts: BySample, course: BySample) -> pd.DataFrame:
    """How many samples there were until each. Of all samples."""
    rows = [(s, float(len(v.frame("t")))) for s, v in course.items() if s in raw_counts]
    return pd.DataFrame(rows, columns=["key", "value"])


SAMPLES: dict[str, Asset] = {
    "raw_counts": raw_counts,
    "course": course,
    "everybody": everybody,
}
ALL = TABLES | SAMPLES


def little_home(root: Path, *rows: str, settings: str = "") -> Home:
    """A home whose deliveries are taken at once, with matrices for the given rows of
    ``samples.csv`` (sample, subject, timepoint)."""
    (root / "landing").mkdir(parents=True, exist_ok=True)
    (root / "study.toml").write_text(SETTINGS + settings)
    if rows:
        sheet(root, *rows)
    return Home.at(root)


def sheet(root: Path, *rows: str) -> None:
    """Write ``samples.csv``; rows as ``A,S1,pre``."""
    text = HEADER
    for row in rows:
        sample, subject, timepoint = row.split(",")
        text += f"{sample},{subject},{timepoint},2026-01-02,matrices/{sample},liver\n"
        folder = root / "landing" / "matrices" / sample
        if not folder.exists():
            folder.mkdir(parents=True)
            for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"):
                (folder / name).write_bytes(f"{sample} {name}".encode())
            (folder / "_DONE").touch()
    (root / "landing" / "samples.csv").write_text(text)


def deliver(home: Home, content: object, assets: Mapping[str, Asset] = TABLES) -> Workbench:
    """A new ``numbers.json``, and a workbench that has not looked at anything yet."""
    (home.landing / "numbers.json").write_text(json.dumps(content))
    return Workbench(home, assets)


def bench(home: Home, assets: Mapping[str, Asset] = ALL, **given: dt.datetime) -> Workbench:
    return Workbench(home, assets, **given)


def key_of(home: Home, sample: str) -> str:
    """Key of a sample of ``samples.csv``."""
    view = Workbench(home, ALL)
    return next(k for k, row in view.rows.items() if row.sample_id == sample)


def stored_files(home: Home, *without: str) -> dict[str, bytes]:
    """Everything below ``store`` and ``published``."""
    root = Path(str(home.root))
    found = [p for f in ("store", "published") for p in sorted((root / f).rglob("*"))]
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in found
        if p.is_file() and p.name not in without
    }


def published_table(home: Home, name: str = "numbers") -> pd.DataFrame:
    return pd.read_parquet(str(home.published / f"{name}.parquet"))
