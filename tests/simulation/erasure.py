"""Deleted accounts at rest: nothing personal is left of them but the books."""

import json
from typing import TYPE_CHECKING, Any, NoReturn

from tests.simulation.engine import APP, LEDGER, stored_items, stored_partitions
from tests.simulation.kept_attributes import attributes_to_erase
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

POINTER = "PURCHASE#"  # of what the app table has of a user


def check_erasure(simulation: "Simulation") -> None:
    """Every deleted account: refused for good, its items gone or without a personal attribute, its texts nowhere."""
    items = [item for table in (LEDGER, APP) for items in stored_partitions(table).values() for item in items.values()]
    all_text = json.dumps(items) + json.dumps([str(key) for key in _files(simulation)])
    pool = simulation.providers.user_pool
    for user_id, email in simulation.memory.erased_users.items():
        balance = stored_items(LEDGER, f"USER#{user_id}")["BALANCE"]
        if "deleted" not in balance or "erased_at" not in balance or "ERASURES" in _partitions_with(user_id):
            _fail(user_id, f"is not erased: {balance}")
        own = stored_items(APP, f"USER#{user_id}")
        left = [sk for sk in own if not sk.startswith(POINTER)]
        if left or user_id in pool.by_id or "EXPORTS" in _partitions_with(user_id):
            _fail(user_id, f"has items after its erasure: {left}")
        if files := [key for key in _files(simulation) if key[0] == user_id]:
            _fail(user_id, f"has files after its erasure: {files}")
        for text in simulation.memory.personal[user_id]:
            if text in all_text:
                found = [item for item in items if text in json.dumps(item)]
                _fail(user_id, f"has the text {text} after its erasure: {found[:3]}")
        if email not in pool.users and email in all_text:  # Nobody registered with it again.
            _fail(user_id, f"has {email} after its erasure: {[i for i in items if email in json.dumps(i)][:3]}")
    _check_attributes(simulation, items)


def check_deleted_transcripts(simulation: "Simulation") -> None:
    """Nothing is left of a transcript that is not in the history any more."""
    for pk, items in stored_partitions(APP).items():
        if not pk.startswith("USER#"):
            continue
        for sk in items:
            kind, *rest = sk.split("#")
            if kind in ("SEGMENT", "SUMMARY") and "started_at" not in items.get(f"TRANSCRIPT#{rest[0]}", {}):
                raise ViolationError(f"the transcript {rest[0]} of {pk} is deleted, still there is {sk}")


def _check_attributes(simulation: "Simulation", items: list[dict[str, Any]]) -> None:
    """What is kept of deleted accounts has only the attributes that may stay."""
    for stored in items:
        pk, sk = stored["pk"]["S"], stored["sk"]["S"]
        user_id = pk.removeprefix("USER#") if pk.startswith("USER#") else stored.get("user_id", {}).get("S", "")
        is_of_user = pk.startswith(("USER#", "JOB#", "PURCHASE#")) and user_id in simulation.memory.erased_users
        if is_of_user and (attributes := attributes_to_erase(stored)):
            _fail(user_id, f"has attributes after its erasure: {attributes} of {pk} {sk}")


def _partitions_with(user_id: str) -> list[str]:
    """The lists of running work that name the user."""
    return [name for name in ("ERASURES", "EXPORTS") if user_id in stored_items(APP, name)]


def _files(simulation: "Simulation") -> list[tuple[str, str]]:
    return [*simulation.providers.uploads.files, *simulation.providers.exports.files]


def _fail(user_id: str, message: str) -> NoReturn:
    raise ViolationError(f"the deleted account {user_id} {message}", user_id)
