"""``label_map.csv``: what labels of others are called here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hcc_assets.cells.given.lines import lines_of
from hcc_assets.study.classes import CELL_CLASSES


@dataclass(frozen=True)
class LabelMap:
    """Label of others to class of ours, and lines that could not be used, in sentences."""

    classes: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def of(self, label: object) -> str | None:
        """Our class for a label: itself where it is one of ours, else as mapped, else None."""
        text = str(label).strip()
        return text if text in CELL_CLASSES else self.classes.get(text)


def parse_label_map(data: bytes) -> LabelMap:
    """Judge ``label_map.csv`` (``source_label, cell_class``) line by line. A label with two
    classes is not mapped at all."""
    found: dict[str, set[str]] = {}
    problems = []
    for number, line in lines_of(data):
        where = f"label_map.csv line {number}"
        if isinstance(line, str):
            problems.append(f"{where} {line}")
            continue
        label, ours = line.get("source_label", ""), line.get("cell_class", "")
        if not label:
            problems.append(f"{where} has no source_label")
        elif ours not in CELL_CLASSES:
            problems.append(f"{where}: {ours[:40] or 'nothing'} is no class of ours")
        else:
            found.setdefault(label, set()).add(ours)
    for label in sorted(label for label, ours in found.items() if len(ours) > 1):
        problems.append(f"label_map.csv maps {label[:40]} to {len(found.pop(label))} classes")
    return LabelMap({label: ours.pop() for label, ours in sorted(found.items())}, tuple(problems))
