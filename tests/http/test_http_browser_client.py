"""The browser SDK walks the whole journey against the running backend."""

from scripts.local.stack import LocalStack
from tests.sdk.toolchain import compile_tests, run


def test_the_sdk_completes_the_journey(stack: LocalStack) -> None:
    folder = compile_tests("journey")

    output = run("node", "--test", str(folder / "journey.test.js"), API_URL=stack.api_url)

    assert "# fail 0" in output
    assert "# skipped 0" in output
    assert "a listener's journey" in output
