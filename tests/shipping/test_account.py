"""What the account's quota of concurrent functions allows, in a new account and in a grown one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.shipping.account import check_concurrency
from scripts.shipping.project import ShippingError
from tests.shipping.conftest import STAGES

CHALICE = Path(__file__).parents[2] / ".chalice"
WholeTemplate = Callable[..., dict[str, Any]]


class Account:
    """An account with this quota. `reserved`: executions that functions have for themselves."""

    is_emulated = False

    def __init__(self, quota: int, reserved: int = 0):
        self.limit = {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota - reserved}

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return self

    def get_account_settings(self) -> Any:
        return {"AccountLimit": self.limit}


@pytest.mark.parametrize(
    ("quota", "reserved", "chosen", "most"),
    # AWS keeps 100 unreserved, in a smaller account all.
    [(10, 0, 1, 0), (50, 0, 5, 0), (100, 0, 1, 0), (1_000, 0, 901, 900), (1_000, 850, 51, 50)],
)
def test_no_more_is_reserved_than_aws_allows(quota: int, reserved: int, chosen: int, most: int) -> None:
    account = Account(quota, reserved)

    with pytest.raises(ShippingError, match=rf"of the {quota} .* at most {most} can be reserved"):
        check_concurrency(account, {"ReservedApiConcurrency": str(chosen), "JobsAtOnce": "2"}, {})
    check_concurrency(account, {"ReservedApiConcurrency": str(most), "JobsAtOnce": "2"}, {})


def test_a_stage_gives_back_what_it_has_reserved_before() -> None:
    """Otherwise a stage could not be deployed a second time."""
    account, parameters = Account(1_000, reserved=600), {"ReservedApiConcurrency": "600"}

    with pytest.raises(ShippingError):
        check_concurrency(account, parameters, {})
    check_concurrency(account, parameters, {"ReservedApiConcurrency": "600"})


def test_workers_leave_half_of_a_small_account_to_the_api() -> None:
    with pytest.raises(ShippingError, match=r"runs only 10 functions at once.* 5 or less .*docs/runbooks\.md"):
        check_concurrency(Account(10), {"JobsAtOnce": "6"}, {})
    check_concurrency(Account(10), {"JobsAtOnce": "5"}, {})


def test_the_default_parameters_of_a_stage_need_no_reservation() -> None:
    stages = json.loads((CHALICE / "stages.json").read_text())

    check_concurrency(Account(10), stages["dev"], {})
    with pytest.raises(ShippingError, match="JobsAtOnce is 20"):  # prod: it says so before it creates anything
        check_concurrency(Account(10), stages["prod"], {})
    check_concurrency(Account(1_000), stages["prod"], {})


@pytest.mark.parametrize("stage", STAGES)
def test_a_throttled_message_is_no_dead_letter_for_hours(whole_template: WholeTemplate, stage: str) -> None:
    work = whole_template(stage)["Resources"]["Work"]["Properties"]
    text = (CHALICE / "resources.yaml").read_text()
    number = lambda name: int(re.findall(rf"{name}: (\d+)", text)[0])  # noqa: E731

    # While a message is hidden, Lambda tries a throttled delivery again. AWS asks for six times the function's timeout.
    assert number("VisibilityTimeout") >= 6 * work["Timeout"]
    assert number("maxReceiveCount") * number("VisibilityTimeout") >= 7 * 3_600
    assert number("maxReceiveCount") * number("VisibilityTimeout") < number("MessageRetentionPeriod")
    # Lambda takes no more messages than workers may run.
    event = work["Events"]["WorkSqsEventSource"]["Properties"]
    assert event["ScalingConfig"]["Fn::If"][2] == {"MaximumConcurrency": {"Ref": "JobsAtOnce"}}
