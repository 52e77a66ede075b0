"""docs/testing.md names every folder of tests and says on which runs each row is proven."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "testing.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Where each thing is proven")[2].partition("\n- ")[0]
ROWS = [line.strip("|").split(" | ") for line in TABLE.splitlines() if line.startswith("|")][2:]


def test_every_folder_and_every_file_in_the_root_is_in_the_table() -> None:
    named = " ".join(row[1] for row in ROWS)
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}

    assert {folder for folder in folders if f"`{folder}`" not in named and f"`{folder}/" not in named} == set()
    assert "`test_*.py`" in named


def test_each_row_names_engine_and_runs_and_files_that_exist() -> None:
    assert {len(row) for row in ROWS} == {6}
    for row in ROWS:
        for path in re.findall(r"`(\w+/\w+\.py)`", row[1]):
            assert (TESTS / path).is_file(), path
