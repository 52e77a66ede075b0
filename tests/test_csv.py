"""CSV for spreadsheets: no text runs as a formula, and every value can be read back."""

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


def test_no_text_starts_like_a_formula_and_numbers_stay_numbers() -> None:
    file = csv_text(["text", "number"], [[text, -5] for text in HOSTILE]).encode()
    rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))

    assert rows[0] == ["text", "number"]
    assert [row[1] for row in rows[1:]] == ["-5"] * len(HOSTILE)
    for text, (cell, _) in zip(HOSTILE, rows[1:], strict=True):
        assert cell in (text, f"'{text}")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))


def test_lines_end_as_in_rfc_4180_and_excel_sees_the_encoding() -> None:
    assert csv_text(["a", "b"], [["1", 'say "x"']]) == '\ufeffa,b\r\n1,"say ""x"""\r\n'
