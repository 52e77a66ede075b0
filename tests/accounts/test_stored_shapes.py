"""What an export contains and what an erasure keeps follows from the declaration of each stored field alone."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import pytest
from msgspec import structs

from chalicelib.models.field_kinds import FieldKind, Internal, Personal, Record, export_struct, field_kinds
from chalicelib.models.ledger import ModelUse
from chalicelib.models.transcripts import Moment, Segment, Summary
from chalicelib.repositories import stored_shapes
from chalicelib.repositories.allowances import spend_allowance
from chalicelib.repositories.conditions import Attr
from chalicelib.repositories.deletions import deletion_key
from chalicelib.repositories.exports import export_key
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.packed_rows import pack
from chalicelib.repositories.stored_shapes import StoredShape, shape_of
from chalicelib.repositories.table import Item, ItemKey, TableName, Write
from tests.accounts.deletion_env import MARKER, DeletionEnv, Names, scan_table
from tests.engines import Engine
from tests.fakes import MODEL

# The shapes that an erasure or an export reads; test_operator_shapes.py is about the others.
OPERATORS_OWN = {id(shape) for shape in stored_shapes.OPERATOR_SHAPES.values()}
SHAPES = {
    name: value
    for name, value in vars(stored_shapes).items()
    if isinstance(value, StoredShape) and value.fields and id(value) not in OPERATORS_OWN
}
# What an export contained before the fields declared it. Of a session's stored `uses` there is an attribute per model.
EXPORTED_FIELDS = {
    "user": {"created_at", "email", "free_credits", "has_new_password", "is_owed_credits", "name"},
    "credits": {"available", "granted", "held", "purchased", "used"},
    "transactions": {
        *("at", "audio_ms", "cents", "cost_micro_usd", "credits", "held", "hold_id", "id", "kind", "price_version"),
        *("reason", "reference", "reported_of_ms", "service"),
        *("uses", "uses.audio_ms", "uses.cost_micro_usd", "uses.input_tokens", "uses.model", "uses.output_tokens"),
    },
    "holds": {"charged", "credits", "ended_at", "hold_id", "kind", "made_at", "reference", "state"},
    "days": {"audio_ms", "cost_micro_usd", "credits", "date", "entries", "service"},
    "purchases": {
        *("cancel_url", "cents", "checkout_session_id", "created_at", "credits", "currency", "disputes", "granted"),
        *(
            "package_id",
            "payment",
            "payment_id",
            "price_version",
            "purchase_id",
            "refunds",
            "success_url",
            "clawed_back",
        ),
    },
    "transcripts": {
        *("audio_ms", "covered_ms", "credits", "ended_at", "kind", "session_id", "source_url", "started_at", "state"),
        *("title", "transcript_id", "segments", "summaries", "recording_ms", "shared_at"),
        *("segments.end_ms", "segments.seq", "segments.speaker", "segments.start_ms", "segments.text"),
        *("summaries.from_ms", "summaries.is_whole", "summaries.job_id", "summaries.text", "summaries.to_ms"),
        *("summaries.moments", "summaries.moments.start_ms", "summaries.moments.title", "summaries.transcript_id"),
    },
    "sessions": {
        *("charged", "covered_ms", "done_ms", "followed_renewals", "free_ms", "held", "last_reserved_at"),
        *("start", "start.key_terms", "start.turn"),
        *("last_saved_at", "lease_expires_at", "lease_number", "lease_seconds", "lease_started_at", "model"),
        *("next_seq", "saves", "stopped_at"),
        *("price_version", "provider", "requested_lease_seconds", "sample_rate", "saved_bytes", "session_id"),
        *(
            "providers",
            "rounded_up_ms",
            "settled_ms",
            "started_at",
            "state",
            "transcript_id",
            "transport",
            "words_until_ms",
        ),
        *(f"use_ms:{MODEL}", f"use_cost:{MODEL}"),
    },
    "catchups": {
        *("audio_url", "billed_ms", "charged", "cost_micro_usd", "created_at", "ended_at", "from_ms", "held", "job_id"),
        *("model", "price_version", "state", "title", "to_ms", "transcript_id", "upload_id"),
        *("is_to_end", "recording_ms", "text_uses"),
    },
    "questions": {
        *("answer", "answer.answer", "answer.answered", "answer.credits_available", "answer.credits_used"),
        *("answer.quotes", "answer.quotes.end_ms", "answer.quotes.speaker", "answer.quotes.start_ms"),
        *("answer.quotes.text", "answer.transcript_id", "asked_at", "question_id", "transcript_id"),
    },
    "early_stops": {"date", "used_seconds"},
    "uploads": {"bytes", "stored_at", "upload_id"},
}
# The attributes that were kept when an account was erased.
KEPT_ATTRIBUTES = {
    "BALANCE": {
        *("available", "deleted", "deleted_at", "erased_at", "granted", "held", "purchased", "used", "version"),
    },
    "DAY": {"audio_ms", "cost_micro_usd", "credits", "entries"},
    "ENTRY": {
        *("at", "audio_ms", "cents", "cost_micro_usd", "credits", "held", "hold_id", "kind", "price_version"),
        *("reason", "reference", "reported_of_ms", "service", "uses"),
    },
    "GUARD": {"at", "entry_id", "user_id"},
    "HOLD": {
        *("charged", "credits", "ended_at", "hold_id", "kind", "made_at", "reference", "state", "sweep_at", "user_id"),
    },
    "JOB": {
        *("billed_ms", "charged", "claimed_until", "cost_micro_usd", "created_at", "ended_at", "error", "expires_at"),
        *("from_ms", "abandon_at", "held", "is_provider_copy_deleted", "job_id", "model", "price_version"),
        *("provider_id", "state", "submissions", "summary_tries", "to_ms", "transcript_id", "user_id", "webhook_url"),
        *("notified_id", "session_id", "worker", "is_to_end", "recording_ms", "text_uses", "use_ids"),
    },
    "PURCHASE": {
        *("cents", "checkout_expires_at", "checkout_session_id", "checkout_url", "created_at", "credits", "currency"),
        *("disputes", "granted", "holds", "is_live", "package_id", "payment", "payment_id", "price_version"),
        *("purchase_id", "refunds", "returned_cents", "clawed_back", "user_id", "version"),
    },
    "PURCHASE_POINTER": {"purchase_id"},
}


class NewFields:
    """Fields that a change adds to a stored shape; `new_unmarked` is declared without a marker."""

    new_personal: Personal[str]
    new_internal: Internal[str]
    new_unmarked: str


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def accounts_env(engine: Engine, names: Names) -> DeletionEnv:
    """A user with a stored item of every shape but an export and a pending deletion."""
    env = DeletionEnv.on(engine, names)
    env.fill()
    user_id, now = env.caller.user_id, env.clock()
    env.quiet.streaming.renew(env.caller, env.left["relay"], interrupted=True)
    env.quiet.send(env.caller, env.left["relay"], 0)
    env.quiet.tables.write(spend_allowance(user_id, now, 60, 0))
    guard = Guard.reference(user_id, "admin_grant", "a reference")
    env.quiet.ledger.grant(user_id, 5, "admin_grant", guard, at=now, reason="A reason")
    return env


@pytest.fixture
def new_fields() -> Iterator[None]:
    """Adds `NewFields` to every shape."""
    for shape in SHAPES.values():
        object.__setattr__(shape, "fields", (*shape.fields, NewFields))
    yield
    for shape in SHAPES.values():
        object.__setattr__(shape, "fields", shape.fields[:-1])


def stored_items(env: DeletionEnv) -> list[tuple[TableName, str, Item]]:
    """Every item that has a shape: its table, its shape's name and itself."""
    shape_names = {id(shape): name for name, shape in SHAPES.items()}
    tables: tuple[TableName, TableName] = ("ledger", "app")
    items = [
        (table, item) for table, name in zip(tables, env.names, strict=True) for item in scan_table(env.engine, name)
    ]
    return [
        (table, shape_names[id(shape_of(item))], item) for table, item in items if id(shape_of(item)) in shape_names
    ]


def write_attributes(env: DeletionEnv, table: TableName, item: Item, values: Mapping[str, Any]) -> None:
    key = ItemKey(table, item["pk"], item["sk"])
    env.quiet.tables.write(Write(key, put_in=dict(values), when=Attr("pk").exists()))


def add_new_fields(env: DeletionEnv) -> set[str]:
    """Give every stored item the new fields, with values that name its shape; return the names of the shapes."""
    for table, name, item in stored_items(env):
        values = {field: f"{field} of {name}." for field in get_type_hints(NewFields)}
        write_attributes(env, table, item, values)
    return {name for _, name, _ in stored_items(env)}


def document(env: DeletionEnv) -> dict[str, Any]:
    export_id = env.exports.start(env.caller).export_id
    env.deliver()
    return dict(json.loads(env.files.files[env.caller.user_id, export_id]))


def erase(env: DeletionEnv) -> None:
    env.deletion.start(env.caller)
    env.settle_down()


def paths(value: Any, prefix: str = "") -> set[str]:
    """The names in a document, with the names that lead to them."""
    if isinstance(value, list):
        return {path for element in value for path in paths(element, prefix)}
    if not isinstance(value, dict):
        return set()
    return {path for name, inner in value.items() for path in ({prefix + name} | paths(inner, f"{prefix}{name}."))}


# New fields


@pytest.mark.usefixtures("new_fields")
def test_a_new_field_of_any_shape_is_exported_only_if_it_is_personal(accounts_env: DeletionEnv) -> None:
    accounts_env.exports.start(accounts_env.caller)
    shapes = add_new_fields(accounts_env)

    text = json.dumps(document(accounts_env))

    assert shapes == set(SHAPES) - {"PENDING_DELETION"}
    exported = {name for name in shapes if f"new_personal of {name}." in text}
    assert exported == {name for name in shapes if SHAPES[name].is_exported}
    assert "new_unmarked" not in text
    assert "new_internal" not in text


@pytest.mark.usefixtures("new_fields")
def test_a_new_field_of_any_shape_is_kept_at_erasure_only_if_it_is_internal(accounts_env: DeletionEnv) -> None:
    accounts_env.exports.start(accounts_env.caller)
    accounts_env.deletion.start(accounts_env.caller)
    assert add_new_fields(accounts_env) == set(SHAPES)
    accounts_env.settle_down()

    kept = stored_items(accounts_env)
    assert {name for _, name, _ in kept} == {name for name, shape in SHAPES.items() if shape.is_kept}
    for _, name, item in kept:
        assert not {"new_personal", "new_unmarked"} & set(item), name
        assert item.get("new_internal", f"new_internal of {name}.") == f"new_internal of {name}."
    assert {name for _, name, item in kept if "new_internal" in item} == {name for _, name, _ in kept}
    assert not [text for text in accounts_env.all_texts() if "new_personal" in text or "new_unmarked" in text]


def test_an_attribute_that_no_shape_declares_is_neither_exported_nor_kept(accounts_env: DeletionEnv) -> None:
    accounts_env.exports.start(accounts_env.caller)
    add_new_fields(accounts_env)

    exported = json.dumps(document(accounts_env))
    erase(accounts_env)

    for name in get_type_hints(NewFields):
        assert name not in exported
        assert not [text for text in accounts_env.all_texts() if name in text]
    accounts_env.check_gone()


def test_an_item_of_an_unknown_kind_is_neither_exported_nor_kept(accounts_env: DeletionEnv) -> None:
    unknown = Write(ItemKey("app", f"USER#{accounts_env.caller.user_id}", "DIARY#1"), item={"text": "an unknown kind"})
    accounts_env.quiet.tables.write(unknown)

    assert "an unknown kind" not in json.dumps(document(accounts_env))
    erase(accounts_env)

    assert not [text for text in accounts_env.all_texts() if "DIARY" in text]


@pytest.mark.parametrize("struct", [Segment(0, 0, 5, "text"), Moment(0, "title"), ModelUse("a/b", 1, 2)])
def test_a_new_field_of_a_nested_struct_is_exported_only_if_it_is_marked(struct: Any) -> None:
    class Extended(type(struct), frozen=True, kw_only=True):  # type: ignore[misc]
        new_unmarked: str = "unmarked"
        new_personal: Personal[str] = "personal"
        new_record: Record[str] = "record"
        new_internal: Internal[str] = "internal"

    extended = Extended(**structs.asdict(struct))
    new = {"new_personal": "personal", "new_record": "record"}

    assert export_struct(extended) == structs.asdict(struct) | new
    summary = Summary("t", "j", 0, 1, "text", (extended,))
    assert export_struct(summary)["moments"] == [structs.asdict(struct) | new]


# Declared fields


def value_for(name: str, hint: Any, text: str) -> Any:
    """A stored value of a personal field that has `text` in it."""
    values = {
        "segments": [[99, 0, 5, text, ""]],
        "packed": pack([[98, 0, 5, text, ""]]),
        "moments": [[0, text]],
        "answer": json.dumps({"answer": text}),
        "key_terms": [text],
    }
    assert name in values or hint is str, f"say how a value of {name} is stored"
    return values.get(name, text)


def plant_markers(env: DeletionEnv) -> dict[str, set[str]]:
    """Put a marker into every personal field of every stored item; return the markers by shape."""
    planted: dict[str, set[str]] = {}
    for table, name, item in stored_items(env):
        values = {}
        for shape in SHAPES[name].fields:
            hints = get_type_hints(shape)
            for field, kind in field_kinds(shape).items():
                if kind is FieldKind.PERSONAL:
                    text = f"{MARKER} {name}.{field}."
                    values[field] = value_for(field, hints[field], text)
                    planted.setdefault(name, set()).add(text)
        if values:
            write_attributes(env, table, item, values)
    return planted


def test_every_personal_field_is_exported_and_none_is_left_at_erasure(accounts_env: DeletionEnv) -> None:
    planted = plant_markers(accounts_env)
    declared = {
        name
        for name, shape in SHAPES.items()
        if any(FieldKind.PERSONAL in field_kinds(fields).values() for fields in shape.fields)
    }

    text = json.dumps(document(accounts_env))

    assert set(planted) == declared
    assert not [marker for markers in planted.values() for marker in markers if marker not in text]
    erase(accounts_env)
    accounts_env.check_gone()
    assert accounts_env.texts_with_marker() == []


def test_an_export_contains_the_fields_that_it_always_contained(accounts_env: DeletionEnv) -> None:
    exported = document(accounts_env)

    assert {name: paths(section) for name, section in exported.items() if name in EXPORTED_FIELDS} == EXPORTED_FIELDS
    assert set(exported) - set(EXPORTED_FIELDS) == {"exported_at", "user_id"}


def test_an_erasure_keeps_the_attributes_that_it_always_kept(accounts_env: DeletionEnv) -> None:
    erase(accounts_env)

    kept: dict[str, set[str]] = {}
    for _, name, item in stored_items(accounts_env):
        kept.setdefault(name, set()).update(set(item) - {"pk", "sk"})
    assert kept == KEPT_ATTRIBUTES


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if not shape.is_exported])
def test_a_shape_outside_the_export_has_no_field_that_is_exported(name: str) -> None:
    """Or such a field would be missing from the export unnoticed."""
    kinds = {kind for fields in SHAPES[name].fields for kind in field_kinds(fields).values()}

    assert kinds == {FieldKind.INTERNAL}


def test_every_stored_item_of_a_user_has_a_shape(accounts_env: DeletionEnv) -> None:
    accounts_env.exports.start(accounts_env.caller)
    accounts_env.deletion.start(accounts_env.caller)
    tables = accounts_env.quiet.tables
    own = [tables.get(deletion_key(accounts_env.caller.user_id)), tables.get(export_key(accounts_env.caller.user_id))]
    items = [item for name in accounts_env.names for item in scan_table(accounts_env.engine, name)]
    own += [item for item in items if item["pk"].split("#")[0] in {"USER", "JOB", "PURCHASE"}]

    undeclared = {
        f"{item['sk']}: {attribute}"
        for item in own
        if item
        for attribute in set(item) - {"pk", "sk"}
        if attribute not in {name for shape in shape_of(item).fields for name in get_type_hints(shape)}
        and shape_of(item).kind(attribute) is None
    }
    assert undeclared == set()
