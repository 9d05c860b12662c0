"""The second engine: published summaries made again from published tables of subjects, at every
refresh, by code and libraries that the first engine does not use.

Statistics come from statsmodels and from whole-number enumeration; nothing of the estimators of
``stats`` or of the counting of ``clinical`` may be imported here, and neither engine is asked to
copy a fault of the other. What the tables of subjects say is not judged here.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Again": "comparison",
        "compare": "comparison",
        "associations_again": "hazards",
        "best_response_counts_again": "shares",
        "composition_changes_again": "paired_shares",
        "incidence_again": "toxicity",
        "response_rates_again": "shares",
        "survival_again": "lifetimes",
    },
)
