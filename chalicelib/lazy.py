"""Objects that are built when they are first used."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

T = TypeVar("T")


def lazy(build: Callable[[], T]) -> T:
    """A stand-in for the object that `build` returns, which is built once, when an attribute is first used.

    An error of `build` is raised at that use, and the next use tries again.
    """
    return cast(T, _Lazy(build))


class _Lazy:
    def __init__(self, build: Callable[[], Any]):
        self._built = lru_cache(build)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._built(), name)
