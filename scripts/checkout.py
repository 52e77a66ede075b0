"""Pay at the sandbox's hosted page as a person would: in a browser without a window, else by the page's form."""

import re
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import requests

from scripts.browser import BrowserError, NotStartedError, chromium, page

BUTTON = r"Pay \d"
TIMEOUT_SECONDS = 30
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class CheckoutError(Exception):
    """The page could not be paid at."""


def pay(checkout_url: str) -> str:
    """Press Pay and follow to where the page leads; says to the person, and gives, how it was done.

    Raises CheckoutError, also for a page that is not on this machine: nobody pays real money by script.
    """
    if urlsplit(checkout_url).hostname not in LOOPBACK:
        raise CheckoutError("only the sandbox's own page is paid at; open this one in your browser")
    program = chromium()
    if program is None:
        how, led_to = "by its form, for no Chromium is installed", _by_form(checkout_url)
    else:
        try:
            how, led_to = "in headless Chromium", _by_browser(program, checkout_url)
        except NotStartedError as error:
            how, led_to = f"by its form, for {error}", _by_form(checkout_url)
        except BrowserError as error:
            raise CheckoutError(str(error)) from error
    print(f"    paid at the hosted page {how}; it led on to {led_to.split('?')[0]}")
    return how


def _by_browser(program: str, checkout_url: str) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
        page(program, Path(profile)) as browser,
    ):
        browser.go(checkout_url)
        return browser.press(BUTTON)


def _by_form(checkout_url: str) -> str:
    try:
        with requests.Session() as session:
            shown = session.get(checkout_url, timeout=TIMEOUT_SECONDS)
            found = re.search(rf'<button name="(\w+)" value="(\w+)"[^>]*>{BUTTON}', shown.text)
            if found is None:
                raise CheckoutError("the page shows no button to pay")
            answer = session.post(
                checkout_url, data={found[1]: found[2]}, allow_redirects=False, timeout=TIMEOUT_SECONDS
            )
    except requests.RequestException as error:
        raise CheckoutError("the page does not answer") from error
    if answer.status_code != 303:
        raise CheckoutError(f"paying was answered with {answer.status_code}")
    return answer.headers["Location"]
