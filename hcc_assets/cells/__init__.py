"""Single-cell work on one sample at a time, pure functions over counts.

Seven rooms in one order: ``quality``, ``reading``, ``malignancy``, ``reference``, ``calling``,
``identity`` and ``given``; each imports those before it only. Statistics across samples belong to
``stats``. Nothing is imported here: the parsing child process starts with numpy, scipy
and h5py alone.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "AtlasModel": "embedding",
        "MatrixRefused": "reading.refused",
        "annotate": "calling.annotation",
        "assess": "quality.assessment",
        "build_reference": "reference.building",
        "call_malignancy": "malignancy.decision",
        "class_counts": "pseudobulk",
        "export_atlas": "atlas_export",
        "find_matrix": "reading.matrix_files",
        "fit_atlas": "embedding",
        "from_frames": "pseudobulk",
        "project": "embedding",
        "read_sample": "reading.isolation",
        "sample_identity": "identity.comparison",
        "schema_obs": "atlas_terms",
        "take_sketch": "sketch",
        "to_frames": "pseudobulk",
        "union_genes": "atlas_terms",
    },
)
