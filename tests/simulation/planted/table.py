"""The table of planted faults in docs/simulation.md, which is also where the findings are kept."""

from collections.abc import Mapping

from tests.simulation.planted.faults import FAULTS
from tests.simulation.planted.planting import ROOT, Finding

PAGE = ROOT / "docs" / "simulation.md"
BEGIN, END = "<!-- planted faults: begin -->", "<!-- planted faults: end -->"
HEAD = ("fault", "where", "profile", "seed", "operations", "what did not hold")
NOT_FOUND = "not found yet"
Findings = Mapping[str, Finding | None]


def render(findings: Findings) -> str:
    """The table of these findings, in the order in which the faults are listed."""
    rows = [HEAD, ("---",) * 3 + ("---:",) * 2 + ("---",)]
    for name, fault in FAULTS.items():
        if name in findings:
            finding = findings[name]
            found = (
                (str(finding.seed), f"{finding.operations:,}", finding.violation.replace("|", "\\|"))
                if finding
                else ("", "", NOT_FOUND)
            )
            rows.append((name, f"`{fault.file}`", fault.profile, *found))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def read_table() -> str:
    """The table as the page has it."""
    return _split(PAGE.read_text())[1]


def read_findings() -> dict[str, Finding | None]:
    """The findings that the page has, by fault."""
    findings: dict[str, Finding | None] = {}
    for row in read_table().splitlines()[2:]:
        name, _, _, seed, operations, violation = row.removeprefix("| ").removesuffix(" |").split(" | ")
        found = Finding(int(seed), int(operations.replace(",", "")), violation.replace("\\|", "|")) if seed else None
        findings[name] = found
    return findings


def write_findings(findings: Findings) -> None:
    """Replace the table of the page."""
    before, _, after = _split(PAGE.read_text())
    PAGE.write_text(before + render(findings) + after)


def _split(page: str) -> tuple[str, str, str]:
    """The page up to the table, the table, and what follows it."""
    before, begin, rest = page.partition(f"{BEGIN}\n")
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks the lines {BEGIN} and {END}")
    return before + begin, table, end + after
