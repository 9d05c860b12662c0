"""Writing the files of a version, with their hashes and sizes. Nothing reads them before their
manifest is committed (`home.versions`)."""

from __future__ import annotations

import hashlib

from hcc_assets.home import files
from hcc_assets.home.manifests import Bundle, Written, cells_digest, digest, encoded
from hcc_assets.home.versions import Versions


def write_bundle(versions: Versions, asset: str, partition: str | None, bundle: Bundle) -> Written:
    """Write the files of a version beside the one that stands."""
    payloads = encoded(bundle)
    read = {name: hashlib.sha256(data).hexdigest() for name, data in payloads.items()}
    read |= {f"{name}.h5ad": cells_digest(adata) for name, adata in bundle.cells.items()}
    extras = {name: hashlib.sha256(data).hexdigest() for name, data in bundle.extras.items()}
    version = digest(read | extras)
    folder = versions.folder(asset, partition) / version
    sizes, h5ad = {}, {}
    for name, data in (payloads | bundle.extras).items():
        files.write_bytes(folder / name, data)
        sizes[f"{version}/{name}"] = len(data)
    for name, adata in bundle.cells.items():
        sha, size = files.write_h5ad(adata, folder / f"{name}.h5ad")
        h5ad[f"{version}/{name}.h5ad"] = sha
        sizes[f"{version}/{name}.h5ad"] = size
    hashes = {f"{version}/{n}": sha for n, sha in sorted((read | extras).items())}
    return Written(digest(read), version, hashes, dict(sorted(sizes.items())), h5ad)
