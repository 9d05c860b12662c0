"""Assets of the group clinical: validated tables and their data issues; one file each."""
