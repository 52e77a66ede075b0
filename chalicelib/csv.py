"""Tables as files for spreadsheets: CSV as RFC 4180 has it, in which no text is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

# Source: OWASP, "CSV Injection"; the wide forms are what spreadsheets in East Asian languages take for the same signs.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A header line and the rows. Numbers stay numbers; text that a spreadsheet would calculate is marked as text."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(columns)
    out.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
