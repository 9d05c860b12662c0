"""Who is in a home: opaque keys of subjects and samples, withdrawals, tombstones.

Real ids are turned into keys and back here alone. Erasing is in ``privacy``. The function
``register.register`` is reached through its module, whose name it shares.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "People": "register",
        "read_people": "register",
        "strike": "register",
        "canonical_subject": "subject_keys",
        "read_withdrawals": "consent",
        "record_withdrawal": "consent",
        "tombstones_of": "consent",
    },
)
