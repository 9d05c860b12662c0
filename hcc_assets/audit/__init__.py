"""The audit trail: who changed what, when and why, in a file of which every line seals the one
before. What an action does is elsewhere; here it is only written down and verified.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "AuditEntry": "chain",
        "AuditTrail": "log",
        "Problem": "chain",
        "decided": "trail",
        "real_user": "who",
        "trail_of": "trail",
    },
)
