"""One room for delivered bytes: a child process with limits on memory, time, files and network.

How such a child is started, limited and ended belongs here. What it reads belongs to the readers
(`cells.reading`, `clinical.reading`), each with a module that runs in the child.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "confine": "within",
        "environment": "child",
        "run": "child",
        "why_ended": "child",
    },
)
