"""The SQS queue that starts background work."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_facts import request_facts


@dataclass(frozen=True)
class Queue:
    """Sends the names of jobs. They arrive at least once and in any order."""

    client: Any
    url: str

    def send(self, message: str) -> None:
        """Send the name of a job that may have work to do.

        Raises UnavailableError; the message may have been sent all the same.
        """
        try:
            self.client.send_message(QueueUrl=self.url, MessageBody=message)
        except (ClientError, BotoCoreError) as error:
            request_facts().notes["aws_error"] = f"send_message: {type(error).__name__}"
            raise UnavailableError("The job queue rejected the message. Retry the request.") from error
