"""The states of this stage's CloudWatch alarms."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_facts import request_facts
from ..models.alarms import ALARM_NAMES, AlarmState


@dataclass(frozen=True)
class Alarms:
    """Reads the alarms whose names begin with `prefix`, and no others: the role may not."""

    client: Any
    prefix: str

    def states(self) -> list[AlarmState]:
        """The alarms that exist, in the order of `ALARM_NAMES`. Raises UnavailableError."""
        names = [self.prefix + name for name in ALARM_NAMES]
        try:
            response = self.client.describe_alarms(AlarmNames=names, MaxRecords=len(names))
        except (ClientError, BotoCoreError) as error:
            request_facts().notes["health_error"] = f"describe_alarms: {_name(error)}"
            raise UnavailableError("The alarms could not be read. Retry the request.") from error
        found = [self._state(alarm) for alarm in response["MetricAlarms"] if alarm["AlarmName"] in names]
        return sorted(found, key=lambda state: ALARM_NAMES.index(state.name))

    def _state(self, alarm: dict[str, Any]) -> AlarmState:
        since = alarm.get("StateUpdatedTimestamp")
        return AlarmState(
            name=alarm["AlarmName"].removeprefix(self.prefix),
            state=alarm["StateValue"],
            since=int(since.timestamp()) if since else 0,
            description=alarm.get("AlarmDescription", ""),
        )


def _name(error: ClientError | BotoCoreError) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
