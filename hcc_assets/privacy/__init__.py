"""Taking a person out of a home, and the proof that it is done.

Here: whom an erasure means, taking rows out of deliveries, removing folders and earlier versions,
the search of every byte, the job of the UI. Not here: withdrawals and tombstones (``home.people``),
who may be read at all (``assets.view``).
"""

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Erased": "erasing",
        "Proof": "proof",
        "RowRemover": "row_removal",
        "code_of": "subject",
        "erase_job": "jobs",
        "erase_subject": "erasing",
        "find_traces": "traces",
        "nobody_of_this_name": "subject",
        "preview": "erasing",
        "prove_absence": "proof",
        "subject_of_code": "subject",
    },
)
