"""How the call of an actor can end besides an answer and an AppError."""


class NoAnswerError(Exception):
    """The client got no answer: its request was lost, or its answer, or the process died."""


class RunOverError(Exception):
    """The operations of this run are done: actors end where they are."""
