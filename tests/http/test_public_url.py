"""Where a provider's webhook reaches the API: by setting, or else where the request came, stage and all."""

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.http.request import public_url

GATEWAY = "abc.execute-api.eu-central-1.amazonaws.com"
ROUTE = "/transcription/catchup"


def reached(domain: str, path: str, setting: str = "") -> str:
    request: Any = SimpleNamespace(context={"domainName": domain, "path": path}, path=ROUTE)
    settings: Any = SimpleNamespace(public_url=setting)
    return public_url(request, settings)


@pytest.mark.parametrize(
    ("domain", "path", "url"),
    [
        (GATEWAY, f"/api{ROUTE}", f"https://{GATEWAY}/api"),
        (GATEWAY, f"/api{ROUTE}/", f"https://{GATEWAY}/api"),
        ("api.example.com", ROUTE, "https://api.example.com"),
        ("api.example.com", f"/live{ROUTE}", "https://api.example.com/live"),
    ],
)
def test_it_is_where_the_request_came(domain: str, path: str, url: str) -> None:
    assert reached(domain, path) == url


def test_the_setting_wins() -> None:
    assert reached(GATEWAY, f"/api{ROUTE}", "https://api.example.com/") == "https://api.example.com"
