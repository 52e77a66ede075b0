"""What the scripts that take screenshots for the docs share: the running stack, a new profile, and the files."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.browser import BrowserError, chromium
from scripts.local.aws import REPOSITORY
from scripts.local.stack import read_json

Pictures = dict[str, bytes]
Take = Callable[[str, Path, dict[str, str]], Pictures]


def of_running_stack(take: Take) -> Pictures | None:
    """The pictures, as PNG by their names, that `take` makes with the browser's path, an empty profile and dev.json.

    None where it could not be done; why is printed.
    """
    dev, program = read_json(REPOSITORY / ".local" / "dev.json"), chromium()
    if not dev or program is None:
        print("Start `make run` in another terminal and install Chromium, then try again.", file=sys.stderr)
        return None
    try:
        with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
            return take(program, Path(profile), dev)
    except BrowserError as error:
        print(f"No screenshot was taken: {error}", file=sys.stderr)
        return None


def write(pictures: Pictures) -> None:
    """Write them into docs."""
    for name, picture in pictures.items():
        path = REPOSITORY / "docs" / f"{name}.png"
        path.write_bytes(picture)
        print(f"{path.relative_to(REPOSITORY)}: {len(picture) // 1024} KB")
