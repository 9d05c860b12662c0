"""Assets of the group single cell; one file each."""
