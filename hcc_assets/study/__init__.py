"""What the trial says: its configuration, cell classes, gene panels and code lists.

Data of the study and functions that read it. No computation on data of patients belongs here, and
nothing here knows another room. ``markers.markers``, ``programs.programs`` and
``sdtm_variables.sdtm_variables`` are reached through their modules, whose names they share.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "CELL_CLASSES": "classes",
        "DENOMINATORS": "classes",
        "OTHER_CLASSES": "classes",
        "PRIMARY_CLASSES": "classes",
        "QC_STATUSES": "classes",
        "UNASSIGNED": "classes",
        "ConfigError": "config",
        "StudyConfig": "config",
        "parse_config": "config",
        "CHROMOSOMES": "genes",
        "gene_id_of": "genes",
        "gene_table": "genes",
        "symbol_of": "genes",
        "MATURE_HEPATOCYTE": "markers",
        "ONCOFETAL": "markers",
        "panel_genes": "markers",
        "DOMAINS": "sdtm_variables",
        "REQUIRED_DOMAINS": "sdtm_variables",
    },
)
