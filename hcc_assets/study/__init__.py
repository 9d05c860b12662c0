"""What the trial says: its configuration, cell classes, gene panels and code lists.

No computation on data belongs here.
"""
