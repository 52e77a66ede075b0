"""Service: health."""

from .base import ResponseShape


class Health(ResponseShape, kw_only=True):
    status: str
    stage: str
    build: str
