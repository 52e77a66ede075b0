"""The queue of background work: the id of a job that somebody should look at."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_log import request_log


@dataclass(frozen=True)
class Queue:
    """At least once and in any order: a message says that there may be something to do, not what."""

    client: Any
    url: str

    def send(self, job_id: str) -> None:
        """Raises UnavailableError; the message may have gone out all the same."""
        try:
            self.client.send_message(QueueUrl=self.url, MessageBody=job_id)
        except (ClientError, BotoCoreError) as error:
            request_log().notes["aws_error"] = f"send_message: {type(error).__name__}"
            raise UnavailableError("The queue did not take the message.") from error
