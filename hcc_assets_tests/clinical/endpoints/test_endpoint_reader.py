"""The one reader of each subject that makes the endpoints, and what happens where there is none."""

from __future__ import annotations

from typing import Any

from hcc_assets.clinical.reading.assessments import endpoint_readers
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import assessments
from hcc_assets_tests.clinical.endpoints.test_best_response import course, trial


def reader_rows(reader: str, flags: dict[int, str | None] | None = None) -> list[dict[str, Any]]:
    return [
        r | {"EVALUATOR": reader, "TRACPTFL": (flags or {}).get(int(r["VISITNUM"]))}
        for r in course(100, 60, 60)
    ]


def test_endpoint_reader_is_one_per_subject() -> None:
    def reader(*rows: list[dict[str, Any]], config: StudyConfig | None = None) -> str | None:
        return endpoint_readers(
            assessments([r for block in rows for r in block]), config or StudyConfig()
        )["S1"]

    one, two = reader_rows("RADIOLOGIST 1"), reader_rows("RADIOLOGIST 2")
    assert reader(one, two, reader_rows("INVESTIGATOR")) == "INVESTIGATOR"
    assert (
        reader(one, two, config=StudyConfig(recist=Recist(endpoint_reader="radiologist  2")))
        == "RADIOLOGIST 2"
    )
    assert reader(one) == "RADIOLOGIST 1"
    assert reader(one, two) is None
    always = reader_rows("RADIOLOGIST 2", {0: "Y", 1: "Y", 2: "Y"})
    assert reader(one, always) == "RADIOLOGIST 2"
    assert (
        reader(
            reader_rows("RADIOLOGIST 1", {1: "Y"}), reader_rows("RADIOLOGIST 2", {0: "Y", 2: "Y"})
        )
        is None
    )
    assert reader(one, reader_rows("RADIOLOGIST 2", {0: "Y", 1: "Y"})) is None
    best, times = trial(one, two)
    assert (best.at[0, "BOR"], best.at[0, "BLOCKED"]) == ("NE", True)
    assert times.set_index("PARAMCD").at["PFS_FDA", "CNSDTDSC"] == "data blocked"
