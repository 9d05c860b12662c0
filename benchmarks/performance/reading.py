"""Two calls of ``sc.read_10x_mtx`` on one delivery, imports left out; prints CPU seconds as JSON.
Our own reader is in ``pure_sample``."""

from __future__ import annotations

import json
import sys
import time

import scanpy as sc


def main() -> None:
    """Read twice."""
    started = time.process_time()
    for _ in range(2):
        sc.read_10x_mtx(sys.argv[1])
    print(json.dumps({"work_cpu_s": time.process_time() - started}))


if __name__ == "__main__":
    main()
