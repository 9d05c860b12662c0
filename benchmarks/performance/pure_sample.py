"""The per-sample work as plain function calls, without platform and Dagster: delivery to calls,
counts per class and pseudobulk.

``python -m benchmarks.performance.pure_sample DELIVERY REFERENCE [--parse-only]`` prints CPU
seconds of this process and its children after the imports.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
from pathlib import Path

import anndata  # noqa: F401 - imported before the clock starts
import scipy.stats  # noqa: F401

from hcc_assets.cells.calling.annotation import annotate
from hcc_assets.cells.identity.fingerprint import fingerprint
from hcc_assets.cells.pseudobulk import class_counts, pseudobulk
from hcc_assets.cells.quality.assessment import assess
from hcc_assets.cells.reading.isolation import read_sample
from hcc_assets.cells.reading.tenx import find_matrix, read_counts
from hcc_assets.cells.reference.model import Reference
from hcc_assets.study.config import StudyConfig


def cpu() -> float:
    """CPU seconds so far, of this process and of ended children."""
    return sum(
        u.ru_utime + u.ru_stime
        for u in (
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
    )


def main() -> None:
    """Work on one sample and print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("delivery", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--parse-only", action="store_true")
    given = parser.parse_args()
    config = StudyConfig()
    clock = {"start": cpu()}
    files = find_matrix(given.delivery)
    if given.parse_only:
        counts = read_counts(files)
        print(json.dumps({"work_cpu_s": cpu() - clock["start"], "cells": counts.n_obs}))
        return
    counts = read_sample(files, None, config)
    clock["read"] = cpu()
    quality = assess(counts, config)
    fingerprint(counts.X, counts.obs_names, counts.var["gene_id"])
    clock["quality"] = cpu()
    reference = Reference.from_parquet_bytes(given.reference.read_bytes())
    calls = annotate(counts, quality, reference, config, sample_id="S1").calls
    class_counts(calls)
    clock["calls"] = cpu()
    pseudobulk(counts, calls)
    clock["pseudobulk"] = cpu()
    names = list(clock)
    stages = {b: clock[b] - clock[a] for a, b in itertools.pairwise(names)}
    print(json.dumps({"work_cpu_s": sum(stages.values()), "stages": stages, "cells": counts.n_obs}))


if __name__ == "__main__":
    main()
