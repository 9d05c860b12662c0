"""The catalogue: every asset of the project, one file each, in the folder of its group.

A file that defines an asset with ``@asset`` is found by lying here. A stock Dagster asset, or a
Component, lies beside them and is scheduled, told and shown like them. An installed package adds
assets through the entry point ``hcc_assets.assets``. Loading is in `hcc_assets.catalogue.loading`.
"""
