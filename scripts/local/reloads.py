"""Log messages of the API about changed code, in a module that imports nothing: other processes search for them."""

WAITING = "waiting for a change"
RESTARTING = "restarting"
