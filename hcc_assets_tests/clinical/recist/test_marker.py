"""A raised tumour marker and complete response [RECIST 1.1, 4.3.3], where the study asks for it."""

from __future__ import annotations

import pandas as pd
import pytest

from hcc_assets.study.config import Recist
from hcc_assets_tests.clinical.endpoint_frames import visit
from hcc_assets_tests.clinical.recist.test_responses import derive

GONE = (visit(0, -10, T01=50, NT01="PRESENT"), visit(1, 42, T01=0, NT01="ABSENT"))
NO_NON_TARGET = (visit(0, -10, T01=50), visit(1, 42, T01=0))
ASKED = Recist(afp_for_cr=True)


def afp(*days: tuple[str, bool], subject: str = "S1") -> pd.DataFrame:
    found = pd.DataFrame(days, columns=["ADT", "raised"]).assign(USUBJID=subject)
    return found.assign(ADT=pd.to_datetime(found["ADT"]).astype("datetime64[ns]"))


@pytest.mark.parametrize(
    ("markers", "expected"),
    [
        (afp(("2023-12-20", True), ("2024-02-10", True)), "PR"),
        (afp(("2023-12-20", True), ("2024-02-10", False)), "CR"),
        (afp(("2023-12-20", True)), "PR"),  # never shown to be normal again
        (afp(("2024-02-19", True)), "PR"),  # within the window after the scan
        (afp(("2024-02-20", True)), "CR"),  # after it
        (afp(("2024-02-10", True), subject="S2"), "CR"),
        (None, "CR"),
    ],
)
@pytest.mark.parametrize("lesions", [GONE, NO_NON_TARGET])
def test_a_raised_marker_holds_a_complete_response_back(
    lesions: tuple[list[dict[str, object]], ...], markers: pd.DataFrame | None, expected: str
) -> None:
    row = derive(*lesions, rules=ASKED, markers=markers)[0]
    assert (row["TRGRESP"], row["OVRLRESP"]) == ("CR", expected)
    assert ("AFP" in row["REASON"]) == (expected == "PR")
    off = derive(*lesions, markers=markers)[0]
    assert off["OVRLRESP"] == "CR" and "AFP" not in off["REASON"]


def test_nothing_but_a_complete_response_moves() -> None:
    raised = afp(("2023-12-20", True))
    for lesions in (
        (visit(0, -10, T01=50, NT01="PRESENT"), visit(1, 42, T01=30, NT01="PRESENT")),
        (visit(0, -10, T01=50), visit(1, 42, T01=30)),
        (visit(0, -10, T01=50), visit(1, 42, T01=70)),
    ):
        assert derive(*lesions, rules=ASKED, markers=raised) == derive(*lesions, rules=ASKED)
