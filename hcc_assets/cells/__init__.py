"""Single-cell work on one sample at a time, pure functions over counts. Statistics across samples
and anything of Dagster do not belong here.

Nothing is imported here: the parsing child process starts with numpy, scipy and h5py alone.
"""
