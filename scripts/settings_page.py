"""Writes the rows of docs/settings.md from the declared settings: `.venv/bin/python -m scripts.settings_page`.

Sections, order and text of the page are written by hand. Each row of a setting is replaced; the row of a new setting
is inserted below the setting declared before it; the row of a removed setting is removed.
"""

import re
from pathlib import Path

from chalicelib.settings.declaration import Field, Secret
from chalicelib.settings.schema import FIELDS

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|.*$", re.MULTILINE)
NOT_DECLARED = {"COGNITO_USER_POOL_ARN"}  # read before the other settings, so described by hand


def page(text: str) -> str:
    """The page with the rows of the declared settings, in its part before the first heading of level 2."""
    text, heading, rest = text.partition("\n## ")
    rows = {field.variable: row(field) for field in FIELDS}
    present = set(ROW.findall(text))
    new_after: dict[str, list[str]] = {}
    anchor = next(name for name in rows if name in present)
    for name in rows:
        if name in present:
            anchor = name
        else:
            new_after.setdefault(anchor, []).append(name)
    lines = []
    for line in text.split("\n"):
        name = found[1] if (found := ROW.match(line)) else ""
        if not name or name in NOT_DECLARED:
            lines.append(line)
        else:
            lines += [rows[each] for each in (name, *new_after.get(name, [])) if each in rows]
    return "\n".join(lines) + heading + rest


def row(field: Field) -> str:
    """The row of a setting: its name, its default, its meaning and bounds."""
    bounds = f", {field.setting.bounds}" if field.setting.bounds not in ("", "at least 0") else ""
    return f"| `{field.variable}` | {default_cell(field)} | {field.setting.meaning}{bounds} |"


def default_cell(field: Field) -> str:
    if field.is_required:
        default = "needed"
    elif field.default == "":
        default = field.setting.if_empty
    elif isinstance(field.default, str):
        default = f"`{field.default}`"
    else:
        default = f"{field.default:,g}" if field.default < 1e6 else f"{field.default:,}"
    return f"{default}, secret" if isinstance(field.setting, Secret) else default


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
