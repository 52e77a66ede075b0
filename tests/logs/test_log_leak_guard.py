"""A test that lets a secret out fails, however its output is captured."""

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
from tests.log_leak_guard import LogLeakGuard

def pytest_configure(config):
    config.pluginmanager.register(LogLeakGuard())
"""


LETTING_OUT = (
    "print('a password: canary')",
    "import sys; print('eyJhbGciOiJSUzI1NiJ9.e30.AA', file=sys.stderr)",
    "import logging; logging.getLogger('x').warning('ada@%s.example', 'canary')",
    "print('canary'); assert 'canary' in capsys.readouterr().out",
    "from chalicelib.logs import log; log.line('request', note='ada' + '@' + 'example.com')",
)
FINE = "print('request')"
QUICK = [
    word for name in ("cacheprovider", "schemathesis", "hypothesispytest", "xdist") for word in ("-p", f"no:{name}")
]


def test_a_test_that_lets_a_secret_out_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    bodies = enumerate((*LETTING_OUT, FINE))
    pytester.makepyfile("\n".join(f"def test_{number}(capsys):\n    {body}\n" for number, body in bodies))

    result = pytester.runpytest_inprocess(*QUICK)

    result.assert_outcomes(failed=len(LETTING_OUT), passed=1)
    assert str(result.stdout).count("let a secret out: ") >= len(LETTING_OUT)
