"""A test that leaks a secret fails, however its output is captured."""

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
from tests.log_leak_guard import LogLeakGuard

def pytest_configure(config):
    config.pluginmanager.register(LogLeakGuard())
"""


LEAKS = (
    "print('a password: canary')",
    "import sys; print('eyJhbGciOiJSUzI1NiJ9.e30.AA', file=sys.stderr)",
    "import logging; logging.getLogger('x').warning('ada@%s.example', 'canary')",
    "print('canary'); assert 'canary' in capsys.readouterr().out",
    "from chalicelib.logs import log; log.line('request', note='ada' + '@' + 'example.com')",
)
HARMLESS = "print('request')"
WITHOUT_PLUGINS = [
    option for name in ("cacheprovider", "schemathesis", "hypothesispytest", "xdist") for option in ("-p", f"no:{name}")
]


def test_a_test_that_leaks_a_secret_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    bodies = enumerate((*LEAKS, HARMLESS))
    pytester.makepyfile("\n".join(f"def test_{number}(capsys):\n    {body}\n" for number, body in bodies))

    result = pytester.runpytest_inprocess(*WITHOUT_PLUGINS)

    result.assert_outcomes(failed=len(LEAKS), passed=1)
    assert str(result.stdout).count("leaked a secret: ") >= len(LEAKS)
