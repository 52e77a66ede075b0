"""The official SDKs of two providers, each loaded when a test first uses it: `official.openai`.

Loading them takes two seconds, and each process of a run collects these tests, though one runs them: tables of cases
name their errors.
"""

from importlib import import_module
from typing import Any

MODULES = {"assemblyai": "assemblyai", "assemblyai_streaming": "assemblyai.streaming.v3", "openai": "openai"}


def __getattr__(name: str) -> Any:
    if name not in MODULES:  # pytest looks for attributes of its own.
        raise AttributeError(name)
    return import_module(MODULES[name])
