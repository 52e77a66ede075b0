"""The operator's own items about users outlive the accounts, so each of their fields says that it is internal."""

import json
import uuid
from collections.abc import Iterator
from typing import get_type_hints

import pytest

from chalicelib.models.audits import Finding, FindingKind
from chalicelib.models.field_kinds import FieldKind, Personal, field_kinds
from chalicelib.models.health import HealthKind, HealthNote
from chalicelib.repositories import audits
from chalicelib.repositories.health_records import record_note
from chalicelib.repositories.stored_shapes import OPERATOR_SHAPES, StoredShape, shape_of
from chalicelib.repositories.table import Item
from tests.accounts.deletion_env import DeletionEnv, Names, scan_table
from tests.admin.admin_env import AdminEnv
from tests.audit.audit_env import AuditEnv
from tests.engines import Engine

NAMES = {id(shape): "/".join(key) for key, shape in OPERATOR_SHAPES.items()}
REASON = "Asked for a refund by mail."


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def accounts_env(engine: Engine, names: Names) -> DeletionEnv:
    """A user about whom an administrator's action, its request, a finding of an audit and a failed job are stored."""
    env = DeletionEnv.on(engine, names)
    env.fill()
    admin_env = AdminEnv.on(env.quiet)
    admin_env.adjust_credits(5, str(uuid.uuid4()), REASON, user_id=env.caller.user_id)
    audit_env = AuditEnv.on(env.quiet.tables, env.clock)
    audit_env.run()
    (audit_item,) = [item for item in stored_items(env) if item["sk"] == "AUDIT"]
    audit = audits.audit_from(audit_item)
    finding = Finding(FindingKind.HOLD_STUCK, "A message.", env.caller.user_id, "a hold")
    env.quiet.tables.write(audits.progress_writes(audit, audit, [finding], {})[1])
    failed_job = HealthNote(HealthKind.JOB_FAILED, "catch-up", "timeout", "a job", env.caller.user_id)
    record_note(env.quiet.tables, failed_job, env.clock())
    return env


def stored_items(env: DeletionEnv) -> list[Item]:
    items = [item for name in env.names for item in scan_table(env.engine, name)]
    return [item for item in items if id(shape_of(item)) in NAMES]


def not_internal(shape: StoredShape) -> set[str]:
    """The fields of a shape that are not marked as internal."""
    names = {name for fields in shape.fields for name in get_type_hints(fields)}
    kinds = {name: kind for fields in shape.fields for name, kind in field_kinds(fields).items()}
    return {name for name in names if kinds.get(name) is not FieldKind.INTERNAL}


@pytest.mark.parametrize("key", OPERATOR_SHAPES, ids="/".join)
def test_every_field_of_the_operators_items_is_internal(key: tuple[str, str]) -> None:
    assert not_internal(OPERATOR_SHAPES[key]) == set()


def test_a_field_without_a_marker_and_a_personal_one_are_found() -> None:
    class NewFields:
        new_personal: Personal[str]
        new_unmarked: str

    assert not_internal(StoredShape((NewFields,))) == {"new_personal", "new_unmarked"}


def test_every_attribute_of_the_operators_items_is_declared(accounts_env: DeletionEnv) -> None:
    items = stored_items(accounts_env)

    assert {NAMES[id(shape_of(item))] for item in items} == set(NAMES.values())
    assert {name for item in items for name in shape_of(item).attributes_to_erase(item)} == set()


def test_the_operators_items_are_kept_at_erasure_and_never_exported(accounts_env: DeletionEnv) -> None:
    before = stored_items(accounts_env)
    (action,) = [item for item in before if item["pk"] == "ADMIN"]
    export_id = accounts_env.exports.start(accounts_env.caller).export_id
    accounts_env.deliver()
    exported = json.loads(accounts_env.files.files[accounts_env.caller.user_id, export_id])
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.settle_down()

    assert stored_items(accounts_env) == before
    assert action["reason"] == REASON
    assert action["admin_id"] not in json.dumps(exported)
    assert [entry["reason"] for entry in exported["transactions"] if entry.get("reason") == REASON] == [REASON]
