"""What DynamoDB's errors mean: a condition that failed, a call to repeat, an outage, or a bug of this code."""

from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_facts import request_facts
from .expressions import Item, deserialize

THROTTLES = {"ProvisionedThroughputExceeded", "ThrottlingError", "RequestLimitExceeded"}
CONFLICTS = {"TransactionConflict"} | THROTTLES
RETRIED_ERRORS = {"TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException"}
CONDITION_ERRORS = {"TransactionCanceledException", "ConditionalCheckFailedException"}
BUGS = {"ValidationException", "IdempotentParameterMismatchException", "SerializationException"}


class WriteRefusedError(Exception):
    """A condition did not hold, so nothing was written. `refused`: position of the write → the current item, or {}."""

    def __init__(self, refused: dict[int, Item]):
        super().__init__(f"condition not met for writes {sorted(refused)}")
        self.refused = refused


class ExtraWriteRefusedError(Exception):
    """A condition of an extra write did not hold; nothing was written. `refused`: position in `extra_writes` → item."""

    def __init__(self, refused: dict[int, Item]):
        super().__init__(f"condition not met for extra writes {sorted(refused)}")
        self.refused = refused


class TransientConflictError(Exception):
    """Another transaction was touching the item; the same call can be repeated."""


def raise_invariant_violation(error: WriteRefusedError) -> NoReturn:
    """A condition failed that only a bug can make fail."""
    raise AssertionError(f"a condition that always holds did not: {error}") from error


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def raise_call_error(operation: str, error: ClientError | BotoCoreError) -> NoReturn:
    """Raises TransientConflictError, UnavailableError with a note in the request's log line, or the error itself.

    The error itself is a failed condition, which the caller reads, or a bug.
    """
    if isinstance(error, ClientError):
        code = error_code(error)
        if code in RETRIED_ERRORS:
            raise TransientConflictError from error
        if code in CONDITION_ERRORS | BUGS:
            raise error
        _note(operation, code)
        raise UnavailableError("The database did not accept the request. Retry it.") from error
    _note(operation, type(error).__name__)
    raise UnavailableError("The database did not respond. Retry the request.") from error


def conflict_codes(error: ClientError) -> set[str]:
    """Why a cancelled transaction can be repeated: codes of a conflict or of a throttled table.

    Raises WriteRefusedError, or the error itself, where repeating would not help.
    """
    reasons = error.response.get("CancellationReasons", [])
    refused = {
        position: deserialize(reason.get("Item", {}))
        for position, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    # A failed condition together with a conflict proves nothing: the other transaction is still being written.
    if refused and codes == {"ConditionalCheckFailed"}:
        raise WriteRefusedError(refused) from error
    if not codes & CONFLICTS or not codes <= CONFLICTS | {"ConditionalCheckFailed"}:
        raise error
    return codes & CONFLICTS


def throttled_error(operation: str, *codes: str) -> UnavailableError:
    """The table accepted no more for as long as a request can wait. Notes it in the request's log line."""
    _note(operation, ", ".join(sorted(codes)))
    return UnavailableError("The database is busy. Retry the request.")


def _note(operation: str, reason: str) -> None:
    request_facts().notes["aws_error"] = f"{operation}: {reason}"
