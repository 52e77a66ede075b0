"""Objects and modules that are made when they are first used."""

import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module, util
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


def defer_import(package: str, name: str) -> None:
    """Load `package.name` when one of its attributes is first used, though another module imports it earlier.

    For a large module that a library imports and rarely uses. Nothing happens if it is loaded or does not exist.
    """
    full_name = f"{package}.{name}"
    parent, spec = import_module(package), None if full_name in sys.modules else util.find_spec(full_name)
    if spec is None or spec.loader is None:
        return
    spec.loader = util.LazyLoader(spec.loader)
    module = util.module_from_spec(spec)
    sys.modules[full_name] = module
    spec.loader.exec_module(module)
    setattr(parent, name, module)  # `from package import name` would otherwise load it to look at its state.
