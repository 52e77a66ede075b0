"""What docs/security.md names is there: tests, settings, and what only a template says."""

import re
from pathlib import Path

import pytest

from chalicelib.settings.load import NAMES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
TESTS = sorted(set(re.findall(r"`((?:\w+/)?test_\w+\.py)`", PAGE)))
SETTINGS = sorted(set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE)))
RESOURCES = (ROOT / ".chalice" / "resources.yaml").read_text()


def test_every_test_that_is_named_is_there() -> None:
    assert len(TESTS) > 50
    assert [name for name in TESTS if not (ROOT / "tests" / name).is_file()] == []


def test_every_setting_that_bounds_a_loss_is_there() -> None:
    assert len(SETTINGS) >= 6
    assert set(SETTINGS) <= NAMES


def test_every_threat_has_a_control_and_says_where_it_is_tested() -> None:
    rows = re.findall(r"^\| [STRIDE] \|(.*)\|(.*)\|(.*)\|$", PAGE, re.MULTILINE)

    assert len(rows) == len(re.findall(r"^\| [STRIDE] \|", PAGE, re.MULTILINE)) > 50
    assert all(cell.strip() for row in rows for cell in row)
    assert [row for row in rows if "test_" not in row[2]] == [
        row for row in rows if "a deployment by somebody else" in row[0]
    ]


@pytest.mark.parametrize("boundary", range(1, 8))
def test_every_boundary_goes_through_all_of_stride(boundary: int) -> None:
    part = re.split(r"^## ", PAGE, flags=re.MULTILINE)[boundary]

    assert part.startswith(f"{boundary}. ")
    assert set(re.findall(r"^\| ([STRIDE]) \|", part, re.MULTILINE)) == set("STRIDE")


@pytest.mark.parametrize(
    "words",
    [
        "UserAttributeUpdateSettings: {AttributesRequireVerificationBeforeUpdate: [email]}",
        "ExplicitAuthFlows: [ALLOW_ADMIN_USER_PASSWORD_AUTH]",
        "GenerateSecret: true",
    ],
)
def test_the_user_pool_is_as_it_says(words: str) -> None:
    assert RESOURCES.count(words) == 1
