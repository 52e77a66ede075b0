"""The SQS queue that starts background work, and the queue of messages that failed."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_facts import request_facts

DEAD_SUFFIX = "-dead"  # .chalice/resources.yaml names both queues
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


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


@dataclass(frozen=True)
class DeadLetters:
    """How many messages failed for good, and how many still wait. `jobs_url`: the queue of jobs."""

    client: Any
    jobs_url: str

    def count(self) -> tuple[int, int]:
        """Dead letters, and messages in the queue of jobs; both approximate. Raises UnavailableError.

        A letter that is hidden while it is listed counts too.
        """
        return self._count(f"{self.jobs_url}{DEAD_SUFFIX}"), self._count(self.jobs_url)

    def _count(self, url: str) -> int:
        try:
            response = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))
        except (ClientError, BotoCoreError) as error:
            request_facts().notes["health_error"] = f"get_queue_attributes: {type(error).__name__}"
            raise UnavailableError("The queue could not be read. Retry the request.") from error
        return sum(int(response["Attributes"][name]) for name in COUNTS)
