"""The pages of a few sentences, for people who follow a link: without a script, a sign-in or any stored data."""

from html import escape

from ..errors import quantity
from .static_files import Page, page_of

HTML = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>{heading}</title>
  <link rel="icon" href="{base}/admin/assets/icon.svg">
  <link rel="stylesheet" href="{base}/docs/assets/page.css">
</head>
<body>
  <main>
    <h1>{heading}</h1>
{content}
  </main>
</body>
</html>
"""
MOST_DIGITS = 7


def start_page(base_path: str) -> Page:
    """What this address is, with links to the reference and the dashboard. `base_path`: of this API, such as `/api`."""
    links = {"docs": "API reference, with forms to try it", "admin": "The owner's dashboard"}
    items = [f'    <p><a href="{escape(base_path)}/{path}">{text}</a></p>' for path, text in links.items()]
    return _page(base_path, "Live transcription API", "\n".join(items))


def paid_page(base_path: str, credits: str) -> Page:
    """Where a buyer arrives after paying. `credits`: as the address has them; anything but a number is left out."""
    is_number = credits.isascii() and credits.isdigit() and len(credits) <= MOST_DIGITS
    heading = f"Paid: {quantity(int(credits), 'credit')}." if is_number else "Thank you."
    return _page(
        base_path,
        heading,
        "    <p>You can close this tab.</p>\n"
        "    <p>Your balance has the credits when the payment is confirmed, usually within seconds.</p>",
    )


def cancelled_page(base_path: str) -> Page:
    """Where a buyer arrives who did not pay."""
    return _page(base_path, "Nothing was paid.", "    <p>You can close this tab, or choose a package again.</p>")


def _page(base_path: str, heading: str, content: str) -> Page:
    return page_of(HTML.format(base=escape(base_path), heading=escape(heading), content=content), ".html")
