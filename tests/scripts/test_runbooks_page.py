"""The page of runbooks: what it names exists, and what names it is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)


def anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def test_each_runbook_names_what_has_tried_it() -> None:
    rows = re.findall(r"^\| \[(.+)\]\(#(.+)\) \| (.+) \|$", PAGE, re.MULTILINE)

    assert [name for name, _, _ in rows] == HEADINGS
    for name, link, tried_by in rows:
        assert link == anchor(name)
        files = re.findall(r"`([^`]+)`", tried_by)
        assert files
        for file in files:
            path = ROOT / file
            assert path.is_file()
            if not path.name.startswith("test_"):
                tests = "".join(each.read_text() for each in path.parent.glob("test_*.py"))
                assert f"import {path.stem}" in tests or f"{path.parent.name}.{path.stem} import" in tests


def test_every_runbook_that_code_names_exists() -> None:
    files = [*(ROOT / "scripts").rglob("*.py"), *(ROOT / ".github").rglob("*.y*ml")]
    named = {
        name
        for path in files
        for name in re.findall(r"docs/runbooks\.md, ([\w ]+?)[.,]", path.read_text(encoding="utf-8"))
    }

    assert named >= {"Ten concurrent executions", "A rollback that failed"}
    assert named <= set(HEADINGS)


@pytest.mark.parametrize("page", ["operations.md", "runbooks.md"])
def test_links_between_the_two_pages_reach_a_heading(page: str) -> None:
    other = {"operations.md": "runbooks.md", "runbooks.md": "operations.md"}[page]
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / other).read_text(encoding="utf-8"), re.MULTILINE)

    links = re.findall(rf"\({re.escape(other)}#([\w-]+)\)", text)
    assert links
    assert set(links) <= {anchor(heading) for heading in headings}


def test_every_command_of_the_runbooks_exists() -> None:
    modules = set(re.findall(r"python -m ([\w.]+)", PAGE))
    targets = set(re.findall(r"(?:`|^|\w=\w+ )make ([a-z]+)", PAGE, re.MULTILINE))

    assert modules == {"scripts.replay"}
    assert all((ROOT / f"{module.replace('.', '/')}.py").is_file() for module in modules)
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
