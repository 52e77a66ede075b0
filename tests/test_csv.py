"""Files for spreadsheets: nothing in them is calculated, and everything comes back as it was."""

import csv
import io

from chalicelib.csv import csv_text

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    '"quoted", with a comma',
    "two\nlines",
    "größer 🎧",
    "",
]


def test_no_text_begins_as_a_formula_and_numbers_stay_numbers() -> None:
    rows = list(csv.reader(io.StringIO(csv_text(["what", "number"], [[one, -5] for one in HOSTILE]), newline="")))

    assert rows[0] == ["what", "number"]
    assert [row[1] for row in rows[1:]] == ["-5"] * len(HOSTILE)
    for told, (cell, _) in zip(HOSTILE, rows[1:], strict=True):
        assert cell in (told, f"'{told}")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


def test_lines_end_as_rfc_4180_has_it() -> None:
    assert csv_text(["a", "b"], [["1", 'say "x"']]) == 'a,b\r\n1,"say ""x"""\r\n'
