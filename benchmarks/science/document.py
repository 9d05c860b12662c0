"""``docs/science.md`` from the results of the studies: every number is computed.

Which studies there are is in ``studies``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.performance.markdown import table

_HEAD = """# Science: how well the methods do

Written by `make benchmark-science` (`python -m benchmarks.science`) from one run; the same \
numbers are in [results.json](images/science/results.json).
Figures from a simulation guard against regressions and are no evidence of clinical accuracy; \
where data are real, the table says so. Bars are those that the
project set itself before the methods were chosen.
"""
REMARKS: dict[str, str] = {}
"""By bar: what was tried. Shown only while the bar is missed."""


def text(results: Mapping[str, Any]) -> str:
    """The whole document."""
    studies = list(results["studies"].values())
    return "\n".join([_HEAD, _bars(studies), *(_study(s) for s in studies), _machine(results)])


def _bars(studies: list[Mapping[str, Any]]) -> str:
    rows = [
        {"study": s["title"], **bar, "met": "met" if bar["met"] else "**missed**"}
        for s in studies
        for bar in s["bars"]
    ]
    missed = [r for r in rows if r["met"] != "met"]
    said = f"{len(rows) - len(missed)} of {len(rows)} bars are met."
    small = sorted({s["title"] for s in studies if s["size"] != "full"})
    if small:
        said += f" Run at a smaller size than the bars are meant for: {', '.join(small)}."
    for row in missed:
        said += (
            f"\n- Missed: {row['bar']} (study: {row['study']}). {REMARKS.get(row['bar'], '')}"
        ).rstrip()
    return f"## Bars\n\n{said}\n\n" + table(
        _rounded(rows), {"study": "study", "bar": "bar", "value": "measured", "met": ""}
    )


def _study(study: Mapping[str, Any]) -> str:
    parts = [
        (
            f"## {study['title']}\n\n{study['about']}\n\n"
            f"Size {study['size']}, {study['cpu_s']:.0f} s of CPU; "
            f"code: `benchmarks/{study['module']}.py`.\n"
        )
    ]
    for title, rows in study["tables"].items():
        if rows:
            parts.append(
                f"### {title}\n\n"
                + table(_rounded(rows), {c: str(c).replace("_", " ") for c in rows[0]})
            )
    return "\n".join(parts)


def _rounded(rows: list[Any]) -> list[dict[str, Any]]:
    """Values of a table as they are printed: three decimals, counts as they are."""
    return [{k: _value(v) for k, v in row.items()} for row in rows]


def _value(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: None}[value]
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return int(value) if isinstance(value, float) else value


def _machine(results: Mapping[str, Any]) -> str:
    rows = [{"what": k, "value": v} for k, v in results.get("machine", {}).items()]
    return "## Machine\n\n" + table(rows, {"what": "", "value": ""})
