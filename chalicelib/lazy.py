"""Something that is made when it is first used."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

Made = TypeVar("Made")


def lazy(make: Callable[[], Made]) -> Made:
    """Stands for what `make` makes, once, when something of it is asked for. An error of `make` is raised then, and the
    next use tries again."""
    return cast(Made, _Deferred(make))


class _Deferred:
    def __init__(self, make: Callable[[], Any]):
        self._made = lru_cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)
