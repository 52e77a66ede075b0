"""A live stream to the stack of `make run`, from a second terminal: `make live`.

Captions appear as the recording plays, the lease is renewed during the session, and the bill is exact.
"""

import secrets
import sys
from pathlib import Path

from sandbox.speech import samples
from scripts.demo import stream_directly
from scripts.journey import Journey, StepFailedError, register
from scripts.local.processes import url_answers
from scripts.local.stack import read_json

DEV = Path(__file__).parent.parent / ".local" / "dev.json"


def main() -> int:
    api_url = read_json(DEV).get("api_url", "")
    if not api_url or not url_answers(f"{api_url}/health"):
        print(
            "No local stack is running. Start it with `make run` in another terminal, then try again.", file=sys.stderr
        )
        return 1
    journey = Journey(api_url)
    try:
        register(journey, f"listener-{secrets.token_hex(4)}@example.com")
        stream_directly(journey, " ".join(text for _, text in samples()))
    except StepFailedError as failure:
        print(f"\n✗ {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the sweep settles the open lease")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
