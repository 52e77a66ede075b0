"""What docs/security.md names exists: tests, settings, and what only a template says."""

import re
from pathlib import Path

import pytest

from chalicelib.settings.load import NAMES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
TESTS = sorted(set(re.findall(r"`((?:\w+/)?test_\w+\.py)`", PAGE)))
SETTINGS = sorted(set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE)))
# A threat is an item of a list: the letter and the threat, then what stops it, then the tests that prove it.
THREAT = re.compile(r"^- \*\*([STRIDE])\*\* (.+)\n((?:  .+\n)+?)  Tests: ((?:.+\n)(?:  .+\n)*)", re.MULTILINE)
RESOURCES = (ROOT / ".chalice" / "resources.yaml").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    assert len(TESTS) > 50
    assert [name for name in TESTS if not (ROOT / "tests" / name).is_file()] == []


def test_every_setting_that_the_page_names_exists() -> None:
    settings = set(NAMES)

    assert len(SETTINGS) >= 6
    assert set(SETTINGS) <= settings


def test_every_threat_has_a_control_and_says_where_it_is_tested() -> None:
    threats = THREAT.findall(PAGE)

    assert len(threats) == len(re.findall(r"^- \*\*[STRIDE]\*\*", PAGE, re.MULTILINE)) > 50
    assert all("Tests:" not in controls for _, _, controls, _ in threats)
    assert [threat for _, threat, _, tests in threats if "test_" not in tests] == []


@pytest.mark.parametrize("boundary", range(1, 8))
def test_every_boundary_covers_all_of_stride(boundary: int) -> None:
    part = re.split(r"^## ", PAGE, flags=re.MULTILINE)[boundary]

    assert part.startswith(f"{boundary}. ")
    assert set(re.findall(r"^- \*\*([STRIDE])\*\* ", part, re.MULTILINE)) == set("STRIDE")


@pytest.mark.parametrize(
    "text",
    [
        "UserAttributeUpdateSettings: {AttributesRequireVerificationBeforeUpdate: [email]}",
        "ExplicitAuthFlows: [ALLOW_ADMIN_USER_PASSWORD_AUTH]",
        "GenerateSecret: true",
    ],
)
def test_the_user_pool_is_as_the_page_says(text: str) -> None:
    assert RESOURCES.count(text) == 1
