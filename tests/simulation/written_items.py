"""Which items a request writes, and whether a refused one lost a race against another process."""

from collections.abc import Sequence

from tests.in_process_dynamodb import Answer
from tests.simulation.engine import Request, read_json
from tests.simulation.scheduler import Process

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
CONDITION_FAILED = "ConditionalCheckFailed"
Key = tuple[str, str, str]  # table, partition key, sort key


def written_keys(request: Request) -> list[Key]:
    """The items that a request writes or checks, in its order."""
    parameters = request.parameters
    match request.operation:
        case "TransactWriteItems":
            writes = [write for action in parameters["TransactItems"] for write in action.values()]
        case "BatchWriteItem":
            deletions = [
                (table, entry["DeleteRequest"]["Key"])
                for table, entries in parameters["RequestItems"].items()
                for entry in entries
            ]
            return [(table, key["pk"]["S"], key["sk"]["S"]) for table, key in deletions]
        case _:
            writes = [parameters]
    keys = []
    for write in writes:
        key = write.get("Key") or write["Item"]
        keys.append((write["TableName"], key["pk"]["S"], key["sk"]["S"]))
    return keys


class LastWrites:
    """Who wrote each item last, and when."""

    def __init__(self) -> None:
        self._last: dict[Key, tuple[str, int]] = {}

    def note(self, keys: Sequence[Key], process: Process, now_ms: int) -> None:
        """These items were written."""
        for key in keys:
            self._last[key] = process.name, now_ms

    def has_lost_race(self, keys: Sequence[Key], answer: Answer, process: Process) -> bool | None:
        """Whether a condition failed on an item that another process wrote since this one began.

        None if no condition failed.
        """
        if CONDITION_FAILED.encode() not in answer[1]:
            return None
        reasons = read_json(answer[1]).get("CancellationReasons") or [{"Code": CONDITION_FAILED}]
        refused = [key for key, reason in zip(keys, reasons, strict=True) if reason["Code"] == CONDITION_FAILED]
        last = [self._last[key] for key in refused if key in self._last]
        return any(writer != process.name and at_ms >= process.started_ms for writer, at_ms in last)
