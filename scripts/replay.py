"""List the dead letters: messages of jobs that failed five times, and batches of ledger entries that were not counted.
Process them again once the cause is fixed.

.venv/bin/python -m scripts.replay --stage prod                list them
.venv/bin/python -m scripts.replay --stage prod --send-back    process them again: each may run twice
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from scripts.shipping import location, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, Aws
from scripts.shipping.stream_batches import count_again, parse_stream_batch

HIDDEN_SECONDS = 120  # while they are listed
RECOUNT = 'Its records are gone from the stream. POST /admin/audit with {"recount": true} counts them.'


def main(arguments: list[str] | None = None, aws: Aws | None = None, config_file: Path = project.CONFIG) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--send-back", action="store_true")
    options = parser.parse_args(arguments)

    def run() -> None:
        count = replay(location.connect(options.stage, aws, config_file), options.stage, send_back=options.send_back)
        done = ", processed again" if options.send_back and count else ""
        print(f"{count} dead letter{'' if count == 1 else 's'}{done}")

    return project.run(
        run, f"What was listed is hidden for up to {HIDDEN_SECONDS} seconds; then run the command again."
    )


def replay(aws: Aws, stage: str, *, send_back: bool) -> int:
    """Print every dead letter, and with `send_back` process it again; returns the number of letters."""
    outputs = Stack(aws.client("cloudformation"), f"{APP_NAME}-{stage}-resources").created_outputs()
    sqs, dead_queue = aws.client("sqs"), outputs["DeadJobsQueueUrl"]
    letters_by_id: dict[str, Any] = {}
    while letters := _receive(sqs, dead_queue):
        for letter in letters:
            if letter["MessageId"] not in letters_by_id:
                content = parse_stream_batch(letter["Body"]) or letter["Body"]
                print(f"  {content}  (sent {letter['Attributes']['SentTimestamp']} ms)")
            letters_by_id[letter["MessageId"]] = letter
            if send_back:
                if batch := parse_stream_batch(letter["Body"]):
                    if not count_again(aws, stage, batch):
                        print(f"    {RECOUNT}")
                else:
                    sqs.send_message(QueueUrl=outputs["JobsQueueUrl"], MessageBody=letter["Body"])
                sqs.delete_message(QueueUrl=dead_queue, ReceiptHandle=letter["ReceiptHandle"])
    if not send_back:
        for letter in letters_by_id.values():  # They can be received again immediately.
            handle = letter["ReceiptHandle"]
            sqs.change_message_visibility(QueueUrl=dead_queue, ReceiptHandle=handle, VisibilityTimeout=0)
    return len(letters_by_id)


def _receive(sqs: Any, queue: str) -> list[dict[str, Any]]:
    response = sqs.receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=10,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    messages: list[dict[str, Any]] = response.get("Messages", [])
    return messages


if __name__ == "__main__":
    sys.exit(main())
