"""Jobs that failed five times: what they are about, and back into the queue once what was wrong is mended.

.venv/bin/python -m scripts.replay --stage prod                list them
.venv/bin/python -m scripts.replay --stage prod --send-back    put them into the queue again: jobs may run twice
"""

import argparse
import sys
from typing import Any

from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, REFUSALS, Aws, RealAws

HIDDEN_SECONDS = 120  # while they are looked at


def main(arguments: list[str] | None = None, aws: Aws | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--send-back", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        found = replay(aws or RealAws(), asked.stage, send_back=asked.send_back)
    except REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{found} dead letters" + (", sent back" if asked.send_back and found else ""))
    return 0


def replay(aws: Aws, stage: str, *, send_back: bool) -> int:
    """Show every dead letter, and with `send_back` put it into the queue, then take it out. How many."""
    made = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}-resources").outputs()
    sqs, dead = aws.client("sqs"), made["DeadJobsQueueUrl"]
    seen: dict[str, Any] = {}
    while letters := _received(sqs, dead):
        for letter in letters:
            if letter["MessageId"] not in seen:
                print(f"  {letter['Body']}  (sent {letter['Attributes']['SentTimestamp']} ms)")
            seen[letter["MessageId"]] = letter
            if send_back:
                sqs.send_message(QueueUrl=made["JobsQueueUrl"], MessageBody=letter["Body"])
                sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
    if not send_back:
        for letter in seen.values():  # Seen, and to be seen again at once.
            sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0)
    return len(seen)


def _received(sqs: Any, queue: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=10,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


if __name__ == "__main__":
    sys.exit(main())
