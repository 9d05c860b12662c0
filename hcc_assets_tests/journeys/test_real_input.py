"""Real deliveries through ``hcc refresh``: raw 10x matrices in two layouts, raw SDTM of four
subjects; a log-normalised matrix is refused beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.catalogue.loading import all_assets
from hcc_assets.operate.validation import judge
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.cells.matrices import shared
from hcc_assets_tests.faults.homes import (
    SETTINGS,
    Seen,
    attempt_all,
    quarantined,
    refresh,
    without_figures,
)

NOT_AUTOMATIC = {n for n, r in all_assets().items() if not r.automatic}


def real_home(root: Path) -> Path:
    shutil.copytree(shared("landing_real"), root / "landing")
    (root / "study.toml").write_text(SETTINGS)
    return root


def agreement(seen: Seen) -> pd.DataFrame:
    reported = seen.table("reported_responses").query("RSTESTCD == 'OVRLRESP'")
    return seen.table("responses").merge(
        reported, on=["USUBJID", "EVALUATOR", "VISITNUM"], how="outer"
    )


@pytest.fixture(scope="module")
def clinical_half(scratch: Path) -> Iterator[Seen]:
    root = real_home(scratch / "real-clinical")
    (root / "landing" / "samples.csv").unlink()
    with without_figures():
        yield attempt_all(root)


def test_derived_responses_agree_with_every_reported_one(clinical_half: Seen) -> None:
    """Three readers, 27 assessments: none of the reported ones breaks RECIST 1.1, so that no
    exception has to be shown."""
    both = agreement(clinical_half)
    assert len(both) == 27
    assert (both["OVRLRESP"] == both["RSSTRESC"]).all()


def test_clinical_tables_of_the_real_delivery(clinical_half: Seen) -> None:
    assert not clinical_half.troubled
    assert len(clinical_half.table("subjects")) == 4
    best = clinical_half.table("best_responses")
    untreated = set(clinical_half.table("subjects").query("TRTSDT.isna()")["USUBJID"])
    assert untreated and not untreated & set(best["USUBJID"])
    grades = clinical_half.table("ae_summary").query("table == 'MAX_GRADE'")
    assert set(grades.loc[grades["patients"] > 0, "level"]) <= {"MISSING", "ANY"}


@pytest.mark.parametrize(
    ("path", "genome", "accepted"),
    [
        (("pbmc4k", "filtered_feature_bc_matrix"), None, True),
        (("tenx_formats", "v2_raw_and_filtered", "filtered_gene_bc_matrices"), None, True),
        (("melanoma_lognorm_only", "melanoma_550cells.h5ad"), None, False),
    ],
)
def test_real_matrices_are_judged(
    path: tuple[str, ...], genome: str | None, accepted: bool
) -> None:
    verdict = judge(shared(*path), StudyConfig(), genome=genome)
    assert verdict["accepted"] is accepted, verdict["messages"]
    if not accepted:
        assert "log-normalised" in verdict["messages"][0]


def test_a_file_of_several_genomes_asks_for_one_and_lists_them() -> None:
    several = [
        p
        for p in shared("tenx_formats", "cellranger").rglob("*.h5")
        if "multi" in p.name.lower() or "genome" in p.name.lower()
    ]
    for path in several:
        verdict = judge(path, StudyConfig())
        assert verdict["accepted"] or "genome" in verdict["messages"][0]


@pytest.mark.slow
def test_the_whole_real_delivery(place: Path) -> None:
    """Every table of both halves exists; two pairs are too few for tests, which give rows with n
    and NE; one bad matrix stops nobody."""
    root = real_home(place)
    lognorm = root / "landing" / "matrices" / "melanoma"
    lognorm.mkdir()
    shutil.copy(shared("melanoma_lognorm_only", "melanoma_550cells.h5ad"), lognorm)
    with (root / "landing" / "samples.csv").open("a") as handle:
        handle.write("mel,01-701-1028,pre,2013-12-21,matrices/melanoma,skin\n")
    with without_figures():
        seen = refresh(root)
    assert set(seen.troubled) == {("raw_counts", "mel")}
    assert "log-normalised" in seen.troubled[("raw_counts", "mel")]
    assert any(q["sample"] == "mel" and q["copied"] for q in quarantined(root))
    tables = {p.stem for p in (root / "published").glob("*.parquet")}
    assert {n for n, r in all_assets().items() if r.model is not None} - tables <= NOT_AUTOMATIC
    assert (root / "published" / "report.html").stat().st_size > 10_000
    assert set(seen.table("cells")["sample_id"]) == {
        "1015-pre",
        "1015-post",
        "1028-pre",
        "1028-post",
    }
    changes = seen.table("composition_changes")
    assert changes.groupby(["denominator", "cell_class"]).size().eq(1).all()
    assert (changes["n_pairs"] <= 2).all() and changes["p_signed_rank"].isna().all()
    both = agreement(seen)
    assert (both["OVRLRESP"] == both["RSSTRESC"]).all()
