"""The states of the alarms, as CloudWatch answers them."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.errors import UnavailableError
from chalicelib.models.alarms import ALARM_NAMES, AlarmState
from chalicelib.providers.alarms import Alarms

PREFIX = "live-transcription-dev-"
SINCE = datetime(2026, 11, 30, 10, tzinfo=UTC)


@pytest.fixture
def cloudwatch() -> Stubber:
    client = boto3.client(
        "cloudwatch", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    return Stubber(client)


def test_only_the_alarms_of_this_stage_are_asked_for(cloudwatch: Stubber) -> None:
    expected = {"AlarmNames": [PREFIX + name for name in ALARM_NAMES], "MaxRecords": len(ALARM_NAMES)}
    alarms = [
        {
            "AlarmName": PREFIX + name,
            "StateValue": "ALARM",
            "StateUpdatedTimestamp": SINCE,
            "AlarmDescription": "Runbook: docs/operations.md.",
        }
        for name in ("Secrets", "ServerErrors")
    ]
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": alarms}, expected)

    with cloudwatch:
        states = Alarms(cloudwatch.client, PREFIX).states()

    since = int(SINCE.timestamp())
    assert states == [
        AlarmState(name, "ALARM", since, "Runbook: docs/operations.md.") for name in ("ServerErrors", "Secrets")
    ]


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InternalFailure"])
def test_a_refusal_is_unavailable(cloudwatch: Stubber, code: str) -> None:
    cloudwatch.add_client_error("describe_alarms", code)

    with cloudwatch, pytest.raises(UnavailableError):
        Alarms(cloudwatch.client, PREFIX).states()
