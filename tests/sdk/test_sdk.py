"""The browser SDK: its modules do what they promise, and what is checked in is made of them and small."""

import gzip
import os
import re
from pathlib import Path

import pytest

from scripts.local.aws import REPOSITORY
from tests.sdk.toolchain import LOCK, SDK, compile_examples, compile_tests, examples_of, install, node, run

DIST = ("live-transcription.d.ts", "live-transcription.js", "live-transcription.mjs")
MAX_COMPRESSED_BYTES = 20_000
# Percent of branches, of the whole heart and of its parts; a walk is longer in a soak.
MIN_SESSION_COVERAGE, MIN_PART_COVERAGE = 95, 90
COVERAGE = re.compile(r"^# \S*src/live/(\w+)\.js\s*\|[^|]*\|\s*([\d.]+) \|", re.MULTILINE)
SOAK = {"WALK_SEEDS": ",".join(map(str, range(1, 41))), "WALK_STEPS": "200"}
SAMPLE = {"WALK_SEEDS": "1,2", "WALK_STEPS": "25"}
PAGES = {"readme": SDK / "README.md"}
CLASSES = (
    "Auth",
    "Live",
    "LiveSession",
    "Emitter",
    "Catchups",
    "History",
    "Credits",
    "Client",
    "Stream",
    "AudioCapture",
)
# Between the modules of the SDK: the tokens of requests, a clock of a lease, a source of a capture.
INTERNAL_CALLS = {
    "token",
    "replace",
    "reject",
    "signInId",
    "startTimed",
    "renewTimed",
    "saveTimed",
    "emit",
    "add",
    "run",
}
# What the examples take from their reader.
DECLARATIONS = """
declare const email: string, password: string, code: string, file: File, baseUrl: string;
declare function show(...values: unknown[]): void;
"""


@pytest.fixture(scope="module", autouse=True)
def _install() -> None:
    install()


def test_the_modules_pass_their_tests_and_the_live_session_is_covered() -> None:
    tests = sorted(map(str, compile_tests().glob("*.test.js")))
    walk = SOAK if os.environ.get("SOAK") else SAMPLE

    output = run(node(), "--test", "--experimental-test-coverage", *tests, timeout_seconds=1_200, API_URL="", **walk)

    assert "\n# fail 0\n" in output
    covered = {name: float(percent) for name, percent in COVERAGE.findall(output)}
    assert covered.pop("live_session") >= MIN_SESSION_COVERAGE
    assert {name: percent for name, percent in covered.items() if percent < MIN_PART_COVERAGE} == {}


def test_what_is_checked_in_is_built_from_the_sources(tmp_path: Path) -> None:
    run(node(), "scripts/build.mjs", "--out", str(tmp_path))

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in (SDK / "dist").iterdir())
    old = [name for name in DIST if (SDK / "dist" / name).read_bytes() != (tmp_path / name).read_bytes()]
    assert old == [], "dist/ is old: run `make sdk`"


@pytest.mark.parametrize("name", DIST[1:])
def test_each_file_is_small(name: str) -> None:
    assert len(gzip.compress((SDK / "dist" / name).read_bytes())) <= MAX_COMPRESSED_BYTES


def test_the_types_match_the_contract() -> None:
    output = run(node(), "scripts/generate.mjs", "--print")

    assert output == (SDK / "src" / "schema.ts").read_text(), "the types are old: run `make contract`"


def test_the_examples_of_the_pages_compile() -> None:
    examples = {
        f"{name}_{number}": DECLARATIONS + example
        for name, page in PAGES.items()
        for number, example in enumerate(examples_of(page))
    }
    assert len(examples) >= len(PAGES)

    compile_examples(examples)


def test_the_examples_capture_before_they_start_a_session() -> None:
    """A person may refuse a capture; a session that is started holds credits."""
    examples = [text for text in examples_of(PAGES["readme"]) if "await capture" in text and ".start()" in text]

    assert len(examples) > 1
    assert [text for text in examples if text.index("await capture") > text.index(".start()")] == []


def test_the_page_names_every_call_event_error_and_code() -> None:
    page = PAGES["readme"].read_text(encoding="utf-8")
    types = (SDK / "dist" / "live-transcription.d.ts").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:[a-z]+\.)?(\w+)(?:\([^`]*\))?`", page))

    calls = {call for name in CLASSES for call in calls_of(types, name)} - INTERNAL_CALLS
    assert len(calls) > 40
    events = set(re.findall(r"^    (\w+): ", block_of(types, "interface LiveEvents"), re.MULTILINE))
    assert events >= {"state", "ended"}
    errors = set(re.findall(r"^declare class (\w+Error)\b", types, re.MULTILINE))
    assert len(errors) > 20
    for expected in (calls, events, errors):
        assert sorted(expected - named) == []
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for event in events:
        assert any(line.startswith(f"| `{event}` |") for line in rows), event
    codes = re.findall(r"^ {2}(\w+): \w+Error,$", (SDK / "src" / "errors.ts").read_text(), re.MULTILINE)
    assert len(codes) > 15
    for code in codes:
        assert any(re.match(rf"\| `\w+Error` \|.*`{code}`.*\|", line) for line in rows), code


def block_of(types: str, head: str) -> str:
    """The body of a class or interface of the types."""
    found = re.search(rf"^(?:declare )?{head}\b[^{{]*{{\n(.*?)^}}", types, re.DOTALL | re.MULTILINE)
    assert found, head
    return found[1]


def calls_of(types: str, name: str) -> set[str]:
    body = block_of(types, f"class {name}")
    return set(re.findall(r"^    (?:static )?\*?(\w+)(?:<[^(]*>)?\(", body, re.MULTILINE)) - {"constructor"}


def test_the_package_holds_the_licence_of_the_repository() -> None:
    assert (SDK / "LICENSE").read_text() == (REPOSITORY / "LICENSE").read_text()


def test_the_lock_file_names_no_registry_host() -> None:
    """A registry's address is one machine's own; what is fetched is proven by its hash."""
    text = LOCK.read_text()

    assert "resolved" not in text
    assert [line for line in text.splitlines() if "://" in line and '"url"' not in line] == []  # who wants money
    assert text.count('"integrity"') > 30
