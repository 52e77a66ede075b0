"""A sign-out that the API did not confirm: this device is signed out, and the page says that others may not be."""

import pytest

from scripts.local.stack import LocalStack
from tests.extension.fault_proxy import FaultProxy
from tests.extension.panel_page import PanelPage, text
from tests.http.http_client import Api, Person


@pytest.mark.soak  # for the time in which the SDK tries again
def test_signing_out_without_a_network_ends_this_device_and_says_that_others_may_stay(
    panel: PanelPage, api: Api, proxy: FaultProxy
) -> None:
    person = Person.register(api)
    proxy.reset()
    panel.reset(proxy.url)
    panel.sign_in(person.email)
    proxy.fail("/auth/logout", "drop", times=100)
    panel.go("#/settings")
    panel.click(text("action_sign_out"))
    panel.confirm(text("action_sign_out"))
    panel.wait_for_place("#/sign-in")

    panel.wait_for_text(text("signed_out_here"))
    panel.check("signed out here only")
    proxy.reset()
    assert person.get("/credits/balance").status_code == 200


@pytest.mark.usefixtures("blocked_person")
@pytest.mark.soak
def test_signing_out_a_blocked_account_says_that_others_may_stay(panel: PanelPage) -> None:
    panel.click(text("action_sign_out"))
    panel.wait_for_place("#/sign-in")

    panel.wait_for_text(text("signed_out_here"))


@pytest.mark.soak  # for the time in which the SDK tries again
def test_another_server_is_used_though_the_old_one_does_not_confirm_the_sign_out(
    panel: PanelPage, api: Api, proxy: FaultProxy, stack: LocalStack
) -> None:
    proxy.reset()
    panel.reset(proxy.url)
    panel.sign_in(Person.register(api).email)
    proxy.fail("/auth/logout", "drop", times=100)
    panel.go("#/settings")
    panel.fill(text("settings_api"), stack.api_url)
    panel.click(text("settings_api_check"))
    panel.confirm(text("settings_api_change"))
    panel.wait_for_place("#/sign-in")

    panel.wait_for_text(text("settings_api_ok", v1="local"))
    panel.wait_for_text(text("signed_out_here"))
    panel.check("signed out of another server")
    proxy.reset()
