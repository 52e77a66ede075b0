"""DynamoDB's expressions and typed values, made from plain Python. Only table.py speaks them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]
Path = str | tuple[str, ...]


def key_condition(condition: ConditionBase) -> Item:
    """The parameters of a query for `condition` on keys."""
    built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=True)
    return {
        "KeyConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
        "ExpressionAttributeValues": serialize(built.attribute_value_placeholders),
    }


def filtered(condition: ConditionBase) -> Item:
    """The parameters of a scan that answers with what meets `condition`."""
    built = ConditionExpressionBuilder().build_expression(condition)
    return {
        "FilterExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
        "ExpressionAttributeValues": serialize(built.attribute_value_placeholders),
    }


def update_expression(
    put_in: Mapping[Path, Any],
    add: Mapping[str, int],
    drop: Sequence[Path],
    names: dict[str, str],
    values: dict[str, Any],
) -> str:
    """What an update does; its placeholders are added to `names` and `values`."""

    def named(path: Path) -> str:
        steps = []
        for name in (path,) if isinstance(path, str) else path:
            steps.append(f"#u{len(names)}")
            names[steps[-1]] = name
        return ".".join(steps)

    def valued(value: Any) -> str:
        placeholder = f":u{len(values)}"
        values[placeholder] = value
        return placeholder

    clauses = {
        "SET": [f"{named(path)} = {valued(value)}" for path, value in put_in.items()],
        "ADD": [f"{named(path)} {valued(value)}" for path, value in add.items()],
        "REMOVE": [named(path) for path in drop],
    }
    return " ".join(f"{word} {', '.join(parts)}" for word, parts in clauses.items() if parts)


_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def serialize(values: Mapping[str, Any]) -> Item:
    """Plain values as DynamoDB takes them."""
    return {name: _serializer.serialize(value) for name, value in values.items()}


def deserialize(item: Mapping[str, Any]) -> Item:
    """What DynamoDB answers as plain values."""
    return {name: _without_decimals(_deserializer.deserialize(value)) for name, value in item.items()}


def _without_decimals(value: Any) -> Any:
    """DynamoDB's numbers as int: every number we store is whole."""
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, list):
        return [_without_decimals(element) for element in value]
    if isinstance(value, dict):
        return {name: _without_decimals(element) for name, element in value.items()}
    return value
