"""docs/api.md is held to the code: its routes, headings, error codes, reasons, rate limits and prices."""

import re
from pathlib import Path

import msgspec
import pytest

from app import app
from chalicelib.errors import REASON_CODES
from chalicelib.http.responses import STATUS
from chalicelib.models.rate_limits import GROUPS
from chalicelib.pricing import price_files
from chalicelib.settings.schema import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# A comment with a capital and an empty line around it begins a section of app.py.
SECTIONS = re.findall(r"\n\n# ([A-Z][\w-]*)\n\n", (ROOT / "app.py").read_text(encoding="utf-8"))
METHODS = "GET|POST|PUT|PATCH|DELETE"
UP_TO_NINETEEN = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
)
NUMBER_WORD = rf"\b(?:{UP_TO_NINETEEN}|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)"
NUMBER = rf"(?:\d[\d,.]*|{NUMBER_WORD})"
AMOUNT = re.compile(
    rf"\$ ?\d[\d,.]*|{NUMBER}(?: free)? credits?\b|{NUMBER} (?:¢|cents?\b|USD|dollars?\b)|\bUSD {NUMBER}", re.IGNORECASE
)
# Other pages explain without a price, so that a new one leaves them true.
PRICE = re.compile(rf"{NUMBER} credits? (?:per|a) minute|(?:costs?|charges?|hold) {NUMBER} credits?\b", re.IGNORECASE)
PRICED_PAGES = {"api.md", "pricing.md", "decisions.md"}  # held to the prices by tests; a record of what was decided
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Settings)}
PRICES = price_files.load(DEFAULTS["price_version"])


def credits(number: int) -> str:
    return f"{number:,} credit{'' if number == 1 else 's'}"


LIVE, SESSION = (credits(PRICES.services[name].credits_per_minute) for name in ("live", "catchup_session"))
QUESTION = credits(PRICES.services["ask"].credits)
POPULAR = f"${PRICES.packages['popular'].cents / 100:.2f}"


def disagreements(page: str) -> list[str]:
    """Everything on the page that does not agree with the code, one sentence each."""
    checks = (route_problems, heading_problems, code_problems, reason_problems, limit_problems, price_problems)
    return [problem for check in checks for problem in check(page)]


def route_problems(page: str) -> list[str]:
    routes = {f"{method} {path}" for path, methods in app.routes.items() for method in methods}
    headed = re.findall(rf"^### (?:[●◆] )?`((?:{METHODS}) /\S*)`$", page, re.MULTILINE)
    named = set(re.findall(rf"`((?:{METHODS}) /[^`]*)`", page))
    return [
        *(f"no heading for {route}" for route in sorted(routes - set(headed))),
        *(f"two headings for {route}" for route in sorted(routes) if headed.count(route) > 1),
        *(f"unknown route {route}" for route in sorted(named - routes)),
    ]


def heading_problems(page: str) -> list[str]:
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    expected = ["Errors", "Rate limits", "Labels", "Idempotency-Key", *SECTIONS]
    return [] if headings == expected else [f"headings are {headings}"]


def code_problems(page: str) -> list[str]:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)
    codes = {code: int(status) for status, code in rows}
    used = re.findall(r"\b([45]\d\d) `([a-z_]+)`", page)
    return [
        *(f"{code} is not listed as {status}" for code, status in STATUS.items() if codes.get(code) != status),
        *(f"unknown code {code}" for code in sorted(set(codes) - set(STATUS))),
        *(f"{code} is not {status}" for status, code in used if STATUS.get(code) != int(status)),
    ]


def reason_problems(page: str) -> list[str]:
    """The table below `<!-- reasons -->` lists each reason once, with its code."""
    _, _, rest = page.partition("<!-- reasons -->\n")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", rest.partition("\n\n")[0], re.MULTILINE)
    reasons = [reason for _, reason in rows]
    return [
        *(f"reason {reason} of {code} is not listed" for reason, code in REASON_CODES.items() if reason not in reasons),
        *(f"unknown reason {reason}" for reason in reasons if reason not in REASON_CODES),
        *(f"{reason} is listed twice" for reason in REASON_CODES if reasons.count(reason) > 1),
        *(f"{reason} is not a reason of {code}" for code, reason in rows if REASON_CODES.get(reason, code) != code),
    ]


def limit_problems(page: str) -> list[str]:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([\d,]+ per .*) \|$", page, re.MULTILINE))
    expected = {}
    for name, group in GROUPS.items():
        requests, window = str(DEFAULTS[f"rate_limit_{name}"]).split("/")
        expected[name] = f"{int(requests):,} per {window}" + (" and address" if group.by == "network" else "")
    return [] if rows == expected else [f"rate limits are {rows}, not {expected}"]


def price_statements() -> list[str]:
    """Every statement of an amount that the page makes, with the figures of the code."""
    live, catchup, session, ask = (PRICES.services[name] for name in ("live", "catchup", "catchup_session", "ask"))
    assert catchup.text
    assert ask.text
    return [
        f"Live audio, direct or relayed, costs {credits(live.credits_per_minute)} per minute.",
        f"A recording costs {credits(catchup.credits_per_minute)} per minute, its summary included; "
        f"a session's saved text costs {credits(session.credits_per_minute)} per minute.",
        f"{catchup.text.input_bytes_per_minute:,} bytes per started minute",
        f"A question costs {credits(ask.credits)}, ",
        f"Of a transcript above {ask.text.input_bytes // 1000} KB",
        *(
            f"| `{name}` | {credits(package.credits)} for ${package.cents / 100:.2f} |"
            for name, package in PRICES.packages.items()
        ),
        "change at most 1,000,000 credits",
    ]


def price_problems(page: str) -> list[str]:
    """A price may be stated in the sentences of `price_statements` only, so that no other sentence can be wrong."""
    found = []
    rest = page
    for statement in price_statements():
        if statement not in page:
            found.append(f"missing: {statement}")
        rest = rest.replace(statement, "")
    return found + [f"not a price of the code: {amount}" for amount in AMOUNT.findall(rest)]


def test_the_page_agrees_with_the_code() -> None:
    assert disagreements(PAGE) == []


@pytest.mark.parametrize(
    ("text", "replacement", "problem"),
    [
        ("### ● `GET /auth/user`\n", "", "no heading for GET /auth/user"),
        ("### ● `POST /transcription/ask`", "### ● `POST /transcription/question`", "unknown route"),
        ("`GET /credits/packages`, ", "`GET /credits/bundles`, ", "unknown route GET /credits/bundles"),
        ("### `GET /health`", "### `GET /health`\n\n### `GET /health`", "two headings for GET /health"),
        ("## Payments", "## Billing", "headings are"),
        ("| 402 | `insufficient_credits`", "| 402 | `no_credits`", "unknown code no_credits"),
        ("| 429 | `rate_limited`", "| 403 | `rate_limited`", "rate_limited is not listed as 429"),
        ("- 409 `email_taken`", "- 400 `email_taken`", "email_taken is not 400"),
        ("| `conflict` | `lease_over` |", "| `conflict` | `lease_past` |", "unknown reason lease_past"),
        (
            "| `conflict` | `lease_over` |",
            "| `conflict` | `lease_open` |",
            "reason lease_over of conflict",
        ),
        ("| `conflict` | `lease_over` |", "| `conflict` | `lease_open` |", "lease_open is listed twice"),
        ("| `unauthenticated` | `expired` |", "| `conflict` | `expired` |", "expired is not a reason of conflict"),
        ("<!-- reasons -->\n", "", "reason already_done of conflict is not listed"),
        ("| 300 per minute |", "| 3,000 per minute |", "rate limits are"),
        (f"relayed, costs {LIVE}", "relayed, costs 987 credits", "not a price of the code: 987 credits"),
        (f"text costs {SESSION} per minute", f"text costs {SESSION} per hour", "missing: A recording costs"),
        (f"A question costs {QUESTION}", "A question costs 987 credits", "not a price of the code: 987 credits"),
        (f"for {POPULAR}", "for $9,876.54", "not a price of the code: $9,876.54"),
        ("## Payments\n", "## Payments\n\nA question costs 987 credits.\n", "not a price of the code: 987 credits"),
        ("## Payments\n", "## Payments\n\nCatch-ups cost five credits.\n", "not a price of the code: five credits"),
        ("## Payments\n", "## Payments\n\nTwenty-five credits each.\n", "not a price of the code: five credits"),
        ("## Payments\n", "## Payments\n\nA hundred credits each.\n", "not a price of the code: hundred credits"),
        ("## Payments\n", "## Payments\n\nPopular costs 9.99 USD.\n", "not a price of the code: 9.99 USD"),
        ("## Payments\n", "## Payments\n\nPopular costs USD 9.99.\n", "not a price of the code: USD 9.99"),
        ("## Payments\n", "## Payments\n\nPopular costs ten dollars.\n", "not a price of the code: ten dollars"),
        ("## Payments\n", "## Payments\n\nPopular costs $9.\n", "not a price of the code: $9"),
    ],
)
def test_a_page_that_disagrees_with_the_code_fails(text: str, replacement: str, problem: str) -> None:
    assert text in PAGE

    assert any(problem in found for found in disagreements(PAGE.replace(text, replacement, 1)))


@pytest.mark.parametrize("code", STATUS)
def test_a_page_without_one_of_the_codes_fails(code: str) -> None:
    doctored = "\n".join(line for line in PAGE.splitlines() if not re.match(rf"\| \d+ \| `{code}`", line))

    assert f"{code} is not listed as {STATUS[code]}" in disagreements(doctored)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_no_other_page_states_a_price(path: Path) -> None:
    text = " ".join(path.read_text(encoding="utf-8").split())

    assert path.name in PRICED_PAGES or PRICE.findall(text) == []


@pytest.mark.parametrize("text", ["It costs 10 credits per minute.", "We hold 5 credits.", "It costs five credits."])
def test_a_page_with_a_price_is_found(text: str) -> None:
    assert PRICE.search(text)
