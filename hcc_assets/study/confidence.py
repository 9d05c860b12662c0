"""How far a posterior may be believed: the map from the posterior of a call to the share of such
calls that are right, learned on real labelled cells and on studies left out of the prior.

Built by ``benchmarks/confidence.py`` into ``data/confidence.json``, with its sources. It is applied
in ``cells.calling``; a reference keeps the map that it was made with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

CONFIDENCE_FILE: Final = Path(__file__).parent / "data/confidence.json"
LEAST: Final = 0.8
"""Posterior that the map leaves as it is, the default limit of a call (SINGLE_CELL.md, section
2.4): no cell loses its class because confidence has become more modest."""
MOST: Final = 10.0
"""Log odds above which a posterior says no more: own choice, 1 in 22,000; accuracy of the sets of
``benchmarks/confidence.py`` no longer rises above it."""
MANY: Final = 300
"""Training cells of a class above which more say nothing: own choice, several states of
`training.train_profiles`."""


@dataclass(frozen=True)
class ConfidenceMap:
    """``LEAST + (1 - LEAST) / (1 + exp(-z))`` for posteriors of `LEAST` and above.

    Attributes
    ----------
    version
        Of the map.
    intercept
        ``z`` of a call of highest posterior in a class of many training cells.
    posterior, support
        What ``z`` loses from the highest posterior to the lowest, and from many training cells of
        the cohort to none; not below 0, so that the map is monotone.
    by_class
        Added to ``z``; 0 for a class without labelled cells.
    """

    version: str
    intercept: float
    posterior: float
    support: float
    by_class: Mapping[str, float] = field(default_factory=dict)

    def __call__(
        self, confidence: Vector, own: Vector, cell_class: npt.NDArray[np.object_]
    ) -> Vector:
        """Share of calls like these that are right.

        Parameters
        ----------
        confidence
            Posterior of the class called.
        own
            Cells of that class that taught the reference; 0 where the prior alone stands for it.
        cell_class
            The class called.
        """
        part, taught = features(confidence, own)
        effect = np.array([self.by_class.get(str(c), 0.0) for c in cell_class], dtype=float)
        z = self.intercept + self.posterior * part + self.support * taught + effect
        mapped = LEAST + (1 - LEAST) / (1 + np.exp(-z))
        return np.where(confidence >= LEAST, mapped, confidence)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": self.version,
            "intercept": self.intercept,
            "posterior": self.posterior,
            "support": self.support,
            "by_class": dict(sorted(self.by_class.items())),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ConfidenceMap:
        """The inverse of `to_dict`."""
        return cls(
            str(values["version"]),
            float(values["intercept"]),
            float(values["posterior"]),
            float(values["support"]),
            {str(c): float(v) for c, v in values["by_class"].items()},
        )


def features(confidence: Vector, own: Vector) -> tuple[Vector, Vector]:
    """Posterior and training cells on scales from -1 (lowest) to 0 (highest)."""
    p = np.clip(confidence, LEAST, 1 - 1e-9)
    odds = np.minimum(np.log(p / (1 - p)), MOST)
    taught = np.log((np.minimum(own, MANY) + 1) / (MANY + 1)) / np.log(MANY + 1)
    return odds / MOST - 1, taught


@dataclass(frozen=True)
class ShippedConfidence:
    """The map that ships with the package, and how good it was where it had learned nothing.

    Attributes
    ----------
    map
        Fitted to all sets.
    reliability
        Per bin of mapped confidence, each set judged by a map that has not seen its study:
        ``least, confidence, right, cells``.
    class_error
        Per class, distance of confidence and share right in the same way, over all studies.
    """

    map: ConfidenceMap
    reliability: tuple[dict[str, float], ...]
    class_error: dict[str, float]


@lru_cache(maxsize=1)
def shipped_confidence() -> ShippedConfidence:
    """The map that ships with the package."""
    values = json.loads(CONFIDENCE_FILE.read_text(encoding="utf-8"))
    return ShippedConfidence(
        ConfidenceMap.from_dict(values["map"]),
        tuple(values["reliability"]),
        {str(c): float(v) for c, v in values["class_error"].items()},
    )
