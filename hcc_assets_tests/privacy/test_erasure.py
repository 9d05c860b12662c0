"""Promise G10, the parts below the command put together: plan, carry out, drop versions, prove that the subject is gone."""

from __future__ import annotations

import gzip
from pathlib import Path

from hcc_assets.privacy.dropping import drop
from hcc_assets.privacy.erasure import carry_out, plan_erasure, prove_absence

from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.privacy.erasure_cases import KEY, NOW, OTHER, ROWS, SAMPLE, SUBJECT, database


def small_home(root: Path) -> Path:
    """A home in which the subject stands everywhere."""
    for folder in (
        f"landing/matrices/{SAMPLE}",
        "landing/matrices/SURU-018-pre",
        "landing/clinical/2026-11-22",
        f"store/raw_counts/{SAMPLE}",
        "published",
        f"quarantine/{SAMPLE}",
        "dagster",
    ):
        (root / folder).mkdir(parents=True)
    for sample in (SAMPLE, "SURU-018-pre"):
        (root / "landing/matrices" / sample / "matrix.mtx.gz").write_bytes(gzip.compress(b"1 1 1"))
    (root / "landing/samples.csv").write_text(
        f"sample_id,subject_id,path\n{SAMPLE},{SUBJECT},matrices/{SAMPLE}\nSURU-018-pre,{OTHER},matrices/SURU-018-pre\n"
    )
    ROWS.to_csv(root / "landing/clinical/2026-11-22/ae.csv", index=False)
    (root / "landing/withdrawals.csv").write_text(
        f"subject_id,from_date,reason,recorded_at\n{SUBJECT},2026-11-01,asked,x\n"
    )
    (root / f"store/raw_counts/{SAMPLE}/counts.h5ad").write_bytes(b"x")
    ROWS.to_parquet(root / "published/adverse_events.parquet")
    (root / f"quarantine/{SAMPLE}/reason.json").write_text("{}")
    database(root / "dagster/runs.db", SAMPLE)
    (root / "dagster/run.err").write_text(f"working on {SAMPLE}")
    return root


def test_plan_carry_out_prove(tmp_path: Path) -> None:
    root = small_home(tmp_path / "home")
    others = [OTHER, "SURU-018-pre"]
    operators = [root / "landing/withdrawals.csv"]
    plan = plan_erasure(root, SUBJECT, [SAMPLE], others=others, operators_files=operators)
    relative = {
        k: [str(p.relative_to(root)) for p in getattr(plan, k)]
        for k in (
            "delete",
            "rewrite",
            "recompute",
            "databases",
            "texts",
            "by_hand",
            "operators_row",
        )
    }
    assert relative == {
        "delete": [
            f"landing/matrices/{SAMPLE}",
            f"quarantine/{SAMPLE}",
            f"store/raw_counts/{SAMPLE}",
        ],
        "rewrite": ["landing/clinical/2026-11-22/ae.csv", "landing/samples.csv"],
        "recompute": ["published/adverse_events.parquet"],
        "databases": ["dagster/runs.db"],
        "texts": ["dagster/run.err"],
        "by_hand": [],
        "operators_row": ["landing/withdrawals.csv"],
    }
    done = carry_out(plan, KEY)
    assert SUBJECT not in " ".join(done)
    before = prove_absence(root, plan.names, others=others, operators_files=operators)
    assert not before.absent and {t.path for t in before.traces} == {
        "published/adverse_events.parquet"
    }
    for path in plan.recompute:
        path.unlink()
    after = prove_absence(root, plan.names, others=others, operators_files=operators)
    assert after.absent and {t.path for t in after.operators_row} == {"landing/withdrawals.csv"}
    assert (root / "landing/matrices/SURU-018-pre/matrix.mtx.gz").exists()
    assert (root / "landing/samples.csv").read_text().splitlines()[1].startswith("SURU-018-pre")
    again = plan_erasure(root, SUBJECT, [SAMPLE], others=others, operators_files=operators)
    assert not (again.delete or again.rewrite or again.recompute or again.databases or again.texts)


def test_a_matrix_delivered_for_the_subject_goes_whatever_it_is_called_and_a_number_elsewhere_stays(
    tmp_path: Path,
) -> None:
    for folder in ("landing/run7", "landing/clinical/2026-11-22", "store/x"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "landing/run7/matrix.mtx").write_text("1 1 1")
    (tmp_path / "landing/clinical/2026-11-22/dm.csv").write_text("USUBJID,AGE\n17,60\n")
    (tmp_path / "store/x/facts.json").write_text('{"n": 17}')
    plan = plan_erasure(tmp_path, "17", [], others=["18"], matrices=[tmp_path / "landing/run7"])
    assert plan.delete == (tmp_path / "landing/run7",) and plan.recompute == ()
    carry_out(plan, KEY)
    assert not (tmp_path / "landing/run7").exists() and prove_absence(tmp_path, ["17"]).absent


def version(folder: Path, name: str, text: str) -> str:
    (folder / name).mkdir(parents=True)
    (folder / name / "table.txt").write_text(text)
    return name


def test_versions_are_dropped_as_a_whole_and_what_stands_is_whole(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    old, new = "a" * 20, "b" * 20
    for asset, standing, holds in (("kept", new, old), ("gone", new, new)):
        folder = tmp_path / "store" / asset
        for name in (old, new):
            version(folder, name, SUBJECT if name == holds else "nobody")
        manifest = Manifest(
            asset=asset,
            data_version=standing,
            fingerprint="f",
            code_version="c",
            at=NOW,
            since=NOW,
            previous=old,
        )
        (folder / "current.json").write_text(manifest.model_dump_json())
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "gone.csv").write_text(SUBJECT)
    assert drop(home, plan_erasure(tmp_path, SUBJECT, []).recompute) == 1
    kept = Versions(home).require("kept")
    assert (
        kept.data_version == new
        and kept.previous is None
        and not (tmp_path / "store" / "kept" / old).exists()
    )
    assert (
        Versions(home).current("gone") is None
        and list((tmp_path / "store" / "gone").iterdir()) == []
    )
    assert not (tmp_path / "published" / "gone.csv").exists()
    assert find_traces(tmp_path, [SUBJECT]).traces == ()
