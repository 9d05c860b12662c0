"""Assets of the group expression: pseudobulk comparisons and programs; one file each."""
