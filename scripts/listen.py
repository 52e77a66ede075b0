"""A live stream against the stack that `make run` keeps up, from a second terminal: `make live`.

Words appear as they are spoken, a second lease follows while people talk, and the bill is exact.
"""

import secrets
import sys
from pathlib import Path

from sandbox.speech import samples
from scripts.demo import listen_live
from scripts.journey import Journey, StepFailedError, register
from scripts.local.processes import url_answers
from scripts.local.stack import read_json

DEV = Path(__file__).parent.parent / ".local" / "dev.json"


def main() -> int:
    api_url = read_json(DEV).get("api_url", "")
    if not api_url or not url_answers(f"{api_url}/health"):
        print(
            "No stack is running here. Start one with `make run` in another terminal, then try again.", file=sys.stderr
        )
        return 1
    journey = Journey(api_url)
    try:
        register(journey, f"listener-{secrets.token_hex(4)}@example.com")
        listen_live(journey, " ".join(words for _, words in samples()))
    except StepFailedError as failure:
        print(f"\n✗ {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the sweep settles the open lease")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
