"""The browser SDK walks the whole journey against the running backend."""

import re

from sandbox.speech import samples, word_error_rate
from scripts.local.stack import LocalStack
from tests.sdk.toolchain import compile_tests, node, run

RECORDING, SPOKEN_TEXT = samples()[-1]


def test_the_sdk_completes_the_journey(stack: LocalStack) -> None:
    folder = compile_tests()
    journey = str(folder / "journey.test.js")

    # Node 20 has WebSocket only behind this flag.
    output = run(node(), "--experimental-websocket", "--test", journey, API_URL=stack.api_url, RECORDING=str(RECORDING))

    assert "# fail 0" in output
    assert "# skipped 0" in output
    assert "a listener's journey" in output
    captions = re.search(r"captions: (.*)", output)
    assert captions
    assert word_error_rate(SPOKEN_TEXT, captions[1]) < 0.4  # a hand-over can cut a word where speech has no pause
