"""Objects and modules that are made when they are first used."""

import json.decoder
import subprocess
import sys

import pytest

from chalicelib.errors import UnavailableError
from chalicelib.lazy import defer_import, lazy

CHECK = """
import sys
from chalicelib.providers import id_tokens
import jwt.algorithms
import cryptography
assert type(cryptography.x509).__name__ == "_LazyModule", "x509 was loaded"
from cryptography import x509
assert x509.NameOID.COMMON_NAME.dotted_string == "2.5.4.3"
assert sys.modules["cryptography.x509"] is x509 and type(x509).__name__ == "module"
"""


def test_lazy_builds_once_and_tries_again_after_a_failure() -> None:
    calls: list[int] = []

    def build() -> str:
        calls.append(1)
        if len(calls) == 1:
            raise UnavailableError("not yet")
        return "word"

    text = lazy(build)
    assert calls == []
    with pytest.raises(UnavailableError):
        text.upper()
    assert (text.upper(), text.upper(), len(calls)) == ("WORD", "WORD", 2)


def test_a_deferred_module_is_loaded_by_its_first_use() -> None:
    subprocess.run([sys.executable, "-c", CHECK], check=True)


def test_a_module_that_is_loaded_or_does_not_exist_is_left_alone() -> None:
    defer_import("json", "decoder")
    defer_import("json", "missing")

    assert sys.modules["json.decoder"] is json.decoder
    assert "json.missing" not in sys.modules
