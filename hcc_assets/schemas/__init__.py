"""One Pandera model per table, input and output: the single place where a column is named, typed
and described. No derivation belongs here."""
