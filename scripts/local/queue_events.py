"""Delivers the messages of an SQS queue to its function."""

from collections.abc import Callable
from typing import Any

from scripts.local.event_log import log_exception

RETRY_SECONDS = 1  # times the number of tries so far, up to MAX_RETRY_SECONDS
MAX_RETRY_SECONDS = 30
MAX_BATCH = 10  # limit of one ReceiveMessage


class QueueFeed:
    """Delivers messages to a function: deleted when it returns, visible again when it raises."""

    drains = False

    def __init__(
        self,
        name: str,
        queue_name: str,
        batch_size: int,
        call: Callable[[dict[str, Any]], Any],
        new_client: Callable[[str], Any],
    ):
        self.name, self._queue_name, self._call = name, queue_name, call
        self._batch_size = min(batch_size, MAX_BATCH)
        self._sqs = new_client("sqs")
        self._url = self._arn = ""

    def step(self) -> bool:
        if not self._url:
            self._url = self._sqs.get_queue_url(QueueName=self._queue_name)["QueueUrl"]
            response = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
            self._arn = response["Attributes"]["QueueArn"]
        received = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=self._batch_size,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages:
            return False
        try:
            self._call({"Records": [sqs_record(message, self._arn) for message in messages]})
        except Exception as error:  # noqa: BLE001 - after any error of the function the queue delivers again
            log_exception(self.name, error)
            self._retry_later(messages)
        else:
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=_entries(messages))
        return True

    def close(self) -> None:
        self._sqs.close()

    def _retry_later(self, messages: list[dict[str, Any]]) -> None:
        """Make messages visible again, later after each attempt; the redrive policy of the queue ends the attempts."""
        tries = max(int(message["Attributes"].get("ApproximateReceiveCount", 1)) for message in messages)
        seconds = min(RETRY_SECONDS * tries, MAX_RETRY_SECONDS)
        entries = [entry | {"VisibilityTimeout": seconds} for entry in _entries(messages)]
        self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def sqs_record(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    """A received message as the record that Lambda passes to a function."""
    attributes = {}
    for name, value in message.get("MessageAttributes", {}).items():
        attributes[name] = {key[0].lower() + key[1:]: part for key, part in value.items()}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _entries(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(messages)]
