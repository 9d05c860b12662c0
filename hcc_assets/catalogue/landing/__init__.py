"""Assets of the group landing; one file each."""
