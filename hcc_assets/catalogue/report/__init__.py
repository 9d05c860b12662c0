"""Assets of the group report; one file each."""
