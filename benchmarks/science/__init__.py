"""Accuracy claims, collected: ``python -m benchmarks.science`` writes ``docs/science.md`` from the
benchmarks beside it. Speed is in ``performance``."""
