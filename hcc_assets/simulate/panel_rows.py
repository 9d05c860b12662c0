"""LB and VS rows of simulated panels. Every other site reports in conventional units."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from hcc_assets.simulate.panels import MEASURES, Measure, Panel
from hcc_assets.simulate.sdtm import Rows, SubjectStory

# Conventional units and what one of them is in the standard unit: molar masses, as in
# study/data/lab_units.csv.
CONVENTIONAL: Final = {"BILI": ("mg/dL", 17.104), "ALB": ("g/dL", 10.0), "CREAT": ("mg/dL", 88.4)}


def _text(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _result(measure: Measure, value: float, conventional: bool) -> dict[str, Any]:
    unit, factor = measure.unit, 1.0
    if conventional:
        unit, factor = CONVENTIONAL.get(measure.test, (unit, factor))
    low, high = measure.low, measure.high
    own = [None if x is None else round(x / factor, 3) for x in (value, low, high)]
    return {
        "LBTESTCD": measure.test,
        "LBSPEC": measure.specimen,
        "LBORRES": _text(own[0]),
        "LBORRESU": unit,
        "LBORNRLO": _text(own[1]),
        "LBORNRHI": _text(own[2]),
        "LBSTRESC": _text(value),
        "LBSTRESN": _text(value),
        "LBSTRESU": measure.unit,
        "LBSTNRLO": _text(low),
        "LBSTNRHI": _text(high),
    }


def panel_rows(rows: Rows, story: SubjectStory, until: dt.date) -> None:
    """Add the LB and VS rows known by the day."""
    conventional = int(story.course.site) % 2 == 0
    for panel in story.panels:
        if panel.date <= until:
            _add(rows, story.course.usubjid, panel, conventional)


def _add(rows: Rows, who: str, panel: Panel, conventional: bool) -> None:
    visit = {"USUBJID": who, "VISITNUM": str(panel.number), "VISIT": panel.name}
    day = panel.date.isoformat()
    lab = visit | {"LBDTC": day, "LBBLFL": None if panel.number else "Y"}
    for measure in MEASURES:
        rows["lb"].append(lab | _result(measure, panel.values[measure.test], conventional))
    strip = {"LBTESTCD": "PROT", "LBSPEC": "URINE", "LBORRES": panel.strip}
    rows["lb"].append(lab | strip | {"LBSTRESC": panel.strip})
    vital = visit | {"VSDTC": day, "VSBLFL": None if panel.number else "Y"}
    for test, value in zip(("SYSBP", "DIABP"), panel.pressure, strict=True):
        text = str(value)
        rows["vs"].append(
            vital
            | {"VSTESTCD": test, "VSORRES": text, "VSORRESU": "mmHg"}
            | {"VSSTRESC": text, "VSSTRESN": text, "VSSTRESU": "mmHg"}
        )
