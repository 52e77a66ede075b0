"""The extension's pure modules: their own tests, run by Node."""

from scripts.local.extension import EXTENSION
from tests.sdk.toolchain import node, run


def test_the_modules_of_the_extension_pass_their_tests() -> None:
    tests = sorted(map(str, (EXTENSION / "test").glob("*.test.js")))
    assert tests

    output = run(node(), "--test", *tests)

    assert "\n# fail 0\n" in output
    assert "\n# skipped 0\n" in output
