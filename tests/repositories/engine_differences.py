"""What may differ between the engine in this process and Amazon's, and why it does not concern our code."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

NO_REQUEST: Mapping[str, Any] = MappingProxyType({})
ANSWER = "answer"
INVALID, CANCELLED, REFUSED = "ValidationException", "TransactionCanceledException", "ConditionalCheckFailedException"
ACCEPTED = f"{ANSWER} {REFUSED}"  # The condition held, or not.
# Messages that say what failed; our code reads none, and all others are worded by each engine.
COMPARED_MESSAGES = {REFUSED, CANCELLED}


@dataclass(frozen=True)
class KnownDifference:
    """A difference between two outcomes of one of these operations. `message`: a part of either's message.

    `in_process`: `ANSWER` or the code of an error, or several; `amazon`: one of them.
    """

    operations: str
    in_process: str
    amazon: str
    message: str
    reason: str

    def explains(self, method: str, codes: tuple[str, str], message: str) -> bool:
        is_same = method in self.operations.split() and codes[0] in self.in_process.split() and codes[1] == self.amazon
        return is_same and self.message in message


NEVER_SENT = "`Tables` never sends such a request: its parameters and expressions are built, not written."
NO_CURSOR = "Keys to continue from are what an answer named, checked by the cursor's signature."
IS_BUG = "Either error is raised to the caller as a bug (table_errors.BUGS, conflict_codes), and nothing is written."

# Not requested, because one engine then stores an item that DynamoDB does not, and no later answer can be compared:
# - sums of more than 28 digits, which the emulator rounds; our largest amounts have 16.
# - transactions with an incomplete or overlong key, which the emulator accepts; `ItemKey` is complete, ours are short.
# - updates of an index key to another type, some of which Amazon's engine accepts; holds are put whole.
# - updates to an item of exactly 400 KB, which only Amazon's engine accepts; our items are far below.
KNOWN_DIFFERENCES = (
    KnownDifference("transact_write_items", CANCELLED, INVALID, "The document path provided", IS_BUG),
    KnownDifference("update_item", ANSWER, INVALID, "Two document paths overlap", NEVER_SENT),
    KnownDifference("transact_write_items", CANCELLED, INVALID, "ValidationError", IS_BUG),
    KnownDifference("transact_write_items", ANSWER, INVALID, "can only contain one of Check, Put", NEVER_SENT),
    KnownDifference("transact_write_items", ANSWER, INVALID, "number of conditions on the keys", NEVER_SENT),
    KnownDifference("batch_get_item", ANSWER, INVALID, "Too many items", "Callers of `get_many` ask for at most 100."),
    KnownDifference("batch_write_item", ANSWER, INVALID, "must contain exactly one of", NEVER_SENT),
    KnownDifference("get_item", "ResourceNotFoundException", INVALID, "Invalid table/index name", NEVER_SENT),
    KnownDifference("put_item", ACCEPTED, INVALID, "at 'returnValuesOnConditionCheckFailure'", NEVER_SENT),
    KnownDifference("put_item", ACCEPTED, INVALID, "Incorrect operand type", NEVER_SENT),
    KnownDifference("put_item", ACCEPTED, INVALID, "BETWEEN operator requires same data type", NEVER_SENT),
    KnownDifference("put_item transact_write_items", ANSWER, INVALID, "Empty attribute name", NEVER_SENT),
    KnownDifference("update_item", ANSWER, INVALID, "Syntax error", NEVER_SENT),
    KnownDifference("update_item", ANSWER, INVALID, 'The "SET" section can only be used once', NEVER_SENT),
    KnownDifference("query", ANSWER, INVALID, "Invalid operator used in KeyConditionExpression", NEVER_SENT),
    KnownDifference("query", ANSWER, INVALID, "Aggregated size of all range keys", "No key of ours is so long."),
    KnownDifference("query", ANSWER, INVALID, "does not match the range key predicate", NO_CURSOR),
    KnownDifference("query scan", ANSWER, INVALID, "Exclusive Start Key must have same size", NO_CURSOR),
    KnownDifference("query scan", ANSWER, INVALID, "Type mismatch for attribute", NO_CURSOR),
    KnownDifference("query scan", ANSWER, INVALID, "provided starting key is invalid", NO_CURSOR),
    KnownDifference("scan", ANSWER, INVALID, "ExpressionAttributeValues must not be empty", NEVER_SENT),
)


def find_difference(method: str, in_process: dict[str, Any], amazon: dict[str, Any]) -> KnownDifference | None:
    """The declared difference that explains why these outcomes of one request differ."""
    codes = code_of(in_process), code_of(amazon)
    message = " ".join(outcome.get("Error", {}).get("Message", "") for outcome in (in_process, amazon))
    return next((each for each in KNOWN_DIFFERENCES if each.explains(method, codes, message)), None)


def code_of(outcome: dict[str, Any]) -> str:
    """The code of an error, its class if it has none, or `ANSWER`."""
    return outcome["Error"]["Code"] if "Error" in outcome else outcome.get("raised", ANSWER)


def comparable(outcome: dict[str, Any], request: Mapping[str, Any] = NO_REQUEST) -> dict[str, Any]:
    """The outcome without what each engine decides for itself.

    That is the wording of messages, the order of the items of a batch and of the elements of a set, and how a number is
    written. Amazon's engine adds the consumed capacity to each deletion. Where a page ends at the bound of its query,
    an engine may say that nothing follows, or name a key to continue from, after which nothing is found.
    """
    left_out = {"Message", "message", "ConsumedCapacity"}
    last = outcome.get("LastEvaluatedKey", {})
    if "sk" in last and last["sk"] in request.get("ExpressionAttributeValues", {}).values():
        left_out |= {"LastEvaluatedKey"}
    if "Error" in outcome and code_of(outcome) not in COMPARED_MESSAGES:
        outcome = outcome | {"Error": code_of(outcome)}
    if "CancellationReasons" in outcome:
        reasons = [{name: reason.get(name) for name in ("Code", "Item")} for reason in outcome["CancellationReasons"]]
        outcome = outcome | {"CancellationReasons": reasons}
    if "Responses" in outcome:
        batches = {name: sorted(map(plain_value, items), key=repr) for name, items in outcome["Responses"].items()}
        outcome = outcome | {"Responses": batches}
    return {name: plain_value(value) for name, value in sorted(outcome.items()) if name not in left_out}


def plain_value(value: Any) -> Any:
    """A typed value, or an item of such, with its sets in order and numbers that are equal however they are written."""
    if isinstance(value, list):
        return [plain_value(element) for element in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("N", str(number))]:
            return {"N": Decimal(number)}
        case [("NS", list(numbers))]:
            return {"NS": sorted(map(Decimal, numbers))}
        case [("SS" | "BS" as kind, list(elements))]:
            return {kind: sorted(elements)}
    return {name: plain_value(value[name]) for name in sorted(value)}
