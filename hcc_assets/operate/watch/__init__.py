"""Is everything alive? Signs of life of runs, the reaper of dead ones, health and its probes, the
heartbeat for monitors outside. Telling people is in `alerts`.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "HealthReport": "health",
        "Probe": "probes",
        "check_health": "health",
        "give_up": "reaper",
        "heartbeat_age": "heartbeat",
        "living": "life",
        "ping": "heartbeat",
        "process_tags": "life",
        "reap": "reaper",
        "write_heartbeat": "heartbeat",
    },
)
