"""How a value comes to stand: what an asset is, what it reads, and the way to its versions.

The decorator and kinds of inputs, the closure of code, the engine (judge before replace), the plan
of what is stale, and assets as Dagster sees them. Which assets there are is in ``catalogue``; when
they run is in ``operate``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Asset": "definition",
        "Check": "definition",
        "Gate": "definition",
        "Output": "definition",
        "Refused": "definition",
        "SetAside": "definition",
        "Verdict": "definition",
        "asset": "definition",
        "AllOf": "inputs",
        "Basis": "inputs",
        "BySample": "inputs",
        "Cutoff": "inputs",
        "Earlier": "inputs",
        "Input": "inputs",
        "Node": "inputs",
        "Previous": "inputs",
        "Row": "inputs",
        "Settings": "inputs",
        "Some": "inputs",
        "Standing": "inputs",
        "TableOf": "inputs",
        "Version": "inputs",
        "VersionOf": "inputs",
        "View": "inputs",
        "Outcome": "attempts",
        "StaleWriter": "attempts",
        "Workbench": "engine",
        "HomeView": "view",
        "Plan": "plan",
        "State": "plan",
        "make_plan": "plan",
        "Run": "waves",
        "next_runs": "waves",
        "explain_asset": "provenance",
        "explanation_lines": "provenance",
        "origin_of": "provenance",
    },
)
