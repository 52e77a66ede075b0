"""What the API says of a change of the code, for whoever reads its log; nothing heavy is imported for it."""

WAITING = "waiting for a change"
CHANGED = "starting again"
