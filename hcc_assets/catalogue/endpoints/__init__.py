"""Assets of the group endpoints: response, time to event, safety; one file each."""
