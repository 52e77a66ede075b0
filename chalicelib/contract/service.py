"""The service itself on the wire."""

from .shapes import Answer


class Health(Answer):
    status: str
    stage: str
    build: str
