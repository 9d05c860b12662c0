"""Performance claims, measured: ``python -m benchmarks.performance`` writes
``docs/performance.md``. Accuracy belongs to ``benchmarks.science``."""
