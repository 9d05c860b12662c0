"""What lies in ``landing/``: deliveries, whether they are complete and settled, and
``samples.csv``.

Nothing below ``landing/`` is ever changed, and nothing but the sample sheet is parsed here.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Delivery": "deliveries",
        "Landing": "deliveries",
        "export_date": "deliveries",
        "scan": "deliveries",
        "SampleRow": "sample_sheet",
        "SampleSheet": "sample_sheet",
        "read_sample_sheet": "sample_sheet",
    },
)
