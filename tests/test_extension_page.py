"""docs/extension.md is held to the contract, the SDK and the reference extension: each error has its line there."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from chalicelib.errors import REASON_CODES
from chalicelib.http.responses import STATUS
from scripts.extension_pictures import MOST_BYTES, WIDTHS
from scripts.local.extension import EXTENSION
from tests.sdk.toolchain import SDK, node

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extension.md").read_text(encoding="utf-8")
OFFERS = {
    "none": "nothing",
    "retry": "try again",
    "sign_in": "sign in",
    "confirm": "enter the code",
    "buy": "buy",
    "settings": "settings",
    "start": "start",
    "history": "history",
    "contact": "contact",
}
"""What the panel's actions are called on the page."""


def table(name: str) -> list[tuple[str, str]]:
    """The first and the last cell of each line of a table."""
    text = PAGE.partition(f"<!-- {name} -->\n")[2].partition("<!-- end -->")[0]
    return re.findall(r"^\| `(\w+)` \|(?:.*\|)? ([^|]+) \|$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def panel() -> dict[str, dict[str, dict[str, str]]]:
    """What the reference extension offers at each code, reason and end."""
    script = f"console.log(JSON.stringify(await import({json.dumps(str(EXTENSION / 'panel' / 'errors.js'))})))"
    command = [node(), "--input-type=module", "--eval", script]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout))


def end_reasons() -> list[str]:
    source = (SDK / "src" / "live" / "live_events.ts").read_text(encoding="utf-8")
    return re.findall(r'"(\w+)"', source.partition("export type EndReason =")[2].partition(";")[0])


def errors_without_code() -> list[str]:
    """The SDK's errors that are no answer of the API."""
    return re.findall(r"export class (\w+) extends Error", (SDK / "src" / "errors.ts").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("codes", list(STATUS)),
        ("reasons", list(REASON_CODES)),
        ("ends", end_reasons()),
        ("others", [name for name in errors_without_code() if name != "ApiError"]),
        ("permissions", json.loads((EXTENSION / "manifest.json").read_text(encoding="utf-8"))["permissions"]),
    ],
)
def test_each_table_lists_everything_once(name: str, expected: list[str]) -> None:
    assert expected
    assert sorted(word for word, _ in table(name)) == sorted(expected)


def test_the_offers_are_those_of_the_reference_extension(panel: dict[str, dict[str, dict[str, str]]]) -> None:
    tables = {"codes": "CODES", "reasons": "REASONS", "ends": "END_REASONS", "others": "OTHERS"}
    offers = {
        (name, word): offer for name in tables for word, offer in table(name) if word != "AbortedError"
    }  # an aborted request is no fault to show

    assert offers == {(name, word): OFFERS[panel[tables[name]][word]["action"]] for name, word in offers}


def test_sections_that_the_page_links_to_exist() -> None:
    headings = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings_of(PAGE)}

    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) - headings == set()


def test_the_pictures_of_readme_are_those_of_the_script_and_small() -> None:
    pictures = [ROOT / "docs" / f"extension-{name}.png" for name in WIDTHS]
    shown = re.findall(r"\(docs/(extension-[\w-]+\.png)\)", (ROOT / "README.md").read_text(encoding="utf-8"))

    assert shown == [picture.name for picture in pictures]
    assert sum(picture.stat().st_size for picture in pictures) <= MOST_BYTES


def headings_of(page: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
