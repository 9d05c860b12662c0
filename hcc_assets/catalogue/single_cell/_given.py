"""What other tools and people say of the cells of one sample, put over our own calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from hcc_assets.assets.acts import Act

if TYPE_CHECKING:
    from hcc_assets.cells.given.curation import Applied, Curation
    from hcc_assets.cells.given.tool_calls import ToolCalls


@dataclass(frozen=True)
class Given:
    """Calls as they are used.

    Attributes
    ----------
    frames
        ``own``: our own calls, where they are not all used.
    tools, curation
        What of the files could not be used, in sentences.
    """

    calls: pd.DataFrame
    frames: dict[str, pd.DataFrame]
    tools: list[str]
    curation: list[str]
    acts: list[Act]

    @property
    def facts(self) -> dict[str, list[str]]:
        return {"tool_problems": self.tools, "curation_problems": self.curation}


def given_calls(
    own: pd.DataFrame,
    others: list[ToolCalls],
    curation: Curation,
    sample_id: str,
    annotator: str,
) -> Given:
    """The chosen annotator's calls of a sample, with people's corrections as the last word."""
    from hcc_assets.cells.given.choosing import chosen_calls
    from hcc_assets.cells.given.curation import curated

    chosen, tools = chosen_calls(own, others, annotator)
    calls, applied, problems = curated(chosen, curation.of(sample_id))
    names = ["barcode", "qc_status", "cell_class", "confidence"]
    replaced = bool((calls["call_source"] != "own").any())
    frames = {"own": own[names]} if replaced else {}
    return Given(calls, frames, tools, problems, [_act(a) for a in applied])


def _act(applied: Applied) -> Act:
    one = applied.correction
    details = {
        "barcode": one.barcode,
        "from_class": one.from_class,
        "cell_class": one.cell_class,
        "cells": applied.cells,
    }
    return Act("curate", one.who, one.reason, details)
