"""The public address of the API, which webhooks are sent to: the setting, or that of the request with its stage."""

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.http.request import public_url

GATEWAY = "abc.execute-api.eu-central-1.amazonaws.com"
ROUTE = "/transcription/catchup"


def public_url_of(domain: str, path: str, setting: str = "") -> str:
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
def test_the_public_url_is_that_of_the_request(domain: str, path: str, url: str) -> None:
    assert public_url_of(domain, path) == url


def test_the_public_url_is_found_on_a_route_with_a_parameter() -> None:
    context = {"domainName": GATEWAY, "path": "/api/transcription/history/T1/share"}
    request: Any = SimpleNamespace(context=context, path="/transcription/history/{transcript_id}/share")

    assert public_url(request, SimpleNamespace(public_url="")) == f"https://{GATEWAY}/api"  # type: ignore[arg-type]


def test_the_setting_takes_precedence() -> None:
    assert public_url_of(GATEWAY, f"/api{ROUTE}", "https://api.example.com/") == "https://api.example.com"
