"""Builds DynamoDB's expressions and typed values from plain Python values, for table.py."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]
Path = str | tuple[str, ...]


def key_condition(condition: ConditionBase) -> Item:
    """The parameters of a query by `condition` on keys."""
    built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=True)
    return {
        "KeyConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
        "ExpressionAttributeValues": serialize(built.attribute_value_placeholders),
    }


def filter_condition(condition: ConditionBase) -> Item:
    """The parameters of a scan that returns the items that meet `condition`."""
    built = ConditionExpressionBuilder().build_expression(condition)
    parameters: Item = {
        "FilterExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
    }
    if built.attribute_value_placeholders:  # DynamoDB rejects an empty map.
        parameters["ExpressionAttributeValues"] = serialize(built.attribute_value_placeholders)
    return parameters


def update_expression(
    put_in: Mapping[Path, Any],
    add: Mapping[str, int],
    drop: Sequence[Path],
    names: dict[str, str],
    values: dict[str, Any],
) -> str:
    """The expression of an update; its placeholders are added to `names` and `values`.

    Raises ValueError where a path is changed twice, or beside a part of it: DynamoDB refuses that, and the emulator
    does not.
    """
    _check_no_overlap([*put_in, *add, *drop])

    def name_placeholder(path: Path) -> str:
        steps = []
        for name in (path,) if isinstance(path, str) else path:
            steps.append(f"#u{len(names)}")
            names[steps[-1]] = name
        return ".".join(steps)

    def value_placeholder(value: Any) -> str:
        placeholder = f":u{len(values)}"
        values[placeholder] = value
        return placeholder

    clauses = {
        "SET": [f"{name_placeholder(path)} = {value_placeholder(value)}" for path, value in put_in.items()],
        "ADD": [f"{name_placeholder(path)} {value_placeholder(value)}" for path, value in add.items()],
        "REMOVE": [name_placeholder(path) for path in drop],
    }
    return " ".join(f"{keyword} {', '.join(parts)}" for keyword, parts in clauses.items() if parts)


def _check_no_overlap(paths: Sequence[Path]) -> None:
    steps = sorted((path,) if isinstance(path, str) else path for path in paths)
    for shorter, longer in pairwise(steps):
        if longer[: len(shorter)] == shorter:
            raise ValueError(f"an update changes both {'.'.join(shorter)} and {'.'.join(longer)}")


_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def serialize(values: Mapping[str, Any]) -> Item:
    """Plain values as DynamoDB's typed values."""
    return {name: _serialize_value(value) for name, value in values.items()}


def deserialize(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed values as plain values; every number as int, because every stored number is whole."""
    return {name: _deserialize_value(value) for name, value in item.items()}


def _serialize_value(value: Any) -> Item:
    """As boto3's serializer, which takes several times as long for the types that nearly all values have."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is int:
        return {"N": str(value)}
    if kind is bytes:
        return {"B": value}
    if kind is dict:
        return {"M": serialize(value)}
    if kind is list:
        return {"L": [_serialize_value(element) for element in value]}
    return dict(_serializer.serialize(value))


def _deserialize_value(typed: Any) -> Any:
    ((kind, value),) = typed.items()
    if kind == "S":
        return value
    if kind == "N":
        return int(value)
    if kind == "B":
        return value
    if kind == "M":
        return deserialize(value)
    if kind == "L":
        return [_deserialize_value(element) for element in value]
    return _deserializer.deserialize(typed)
