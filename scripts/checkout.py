"""Pay on the hosted page of the sandbox: in headless Chromium, or with the form of the page if it is missing."""

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
    """The payment on the page failed."""


def pay(checkout_url: str) -> str:
    """Press Pay and follow the redirect; prints and returns how it was done.

    Raises CheckoutError, also for a page that is not on this machine: a script never pays real money.
    """
    if urlsplit(checkout_url).hostname not in LOOPBACK:
        raise CheckoutError("this script pays on the page of the sandbox only; open the address in your browser")
    program = chromium()
    if program is None:
        method, target = "with its form, because Chromium is not installed", _pay_by_form(checkout_url)
    else:
        try:
            method, target = "in headless Chromium", _pay_in_browser(program, checkout_url)
        except NotStartedError as error:
            method, target = f"with its form, because {error}", _pay_by_form(checkout_url)
        except BrowserError as error:
            raise CheckoutError(str(error)) from error
    print(f"    paid on the hosted page {method}; redirected to {target.split('?')[0]}")
    return method


def _pay_in_browser(program: str, checkout_url: str) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
        page(program, Path(profile)) as browser,
    ):
        browser.go(checkout_url)
        return browser.press(BUTTON)


def _pay_by_form(checkout_url: str) -> str:
    try:
        with requests.Session() as session:
            form = session.get(checkout_url, timeout=TIMEOUT_SECONDS)
            found = re.search(rf'<button name="(\w+)" value="(\w+)"[^>]*>{BUTTON}', form.text)
            if found is None:
                raise CheckoutError("the page has no button to pay")
            response = session.post(
                checkout_url, data={found[1]: found[2]}, allow_redirects=False, timeout=TIMEOUT_SECONDS
            )
    except requests.RequestException as error:
        raise CheckoutError("the page does not respond") from error
    if response.status_code != 303:
        raise CheckoutError(f"the payment returned {response.status_code}")
    return response.headers["Location"]
