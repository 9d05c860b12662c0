"""Assets of the group cohort: composition, cell quality and identity; one file each."""
