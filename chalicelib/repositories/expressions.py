"""DynamoDB's typed values from plain Python values, and back; conditions as the parameters of a request."""

from collections.abc import Mapping
from typing import Any

from .conditions import Condition, condition_expression

Item = dict[str, Any]


def key_condition(condition: Condition) -> Item:
    """The parameters of a query by `condition` on keys."""
    return _parameters("KeyConditionExpression", condition)


def filter_condition(condition: Condition) -> Item:
    """The parameters of a scan that returns the items that meet `condition`."""
    return _parameters("FilterExpression", condition)


def _parameters(expression_parameter: str, condition: Condition) -> Item:
    expression, names, values = condition_expression(condition)
    parameters: Item = {expression_parameter: expression, "ExpressionAttributeNames": names}
    if values:  # DynamoDB rejects an empty map.
        parameters["ExpressionAttributeValues"] = serialize(values)
    return parameters


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
    if kind is bool:
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    from boto3.dynamodb.types import TypeSerializer

    return dict(TypeSerializer().serialize(value))


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
    if kind == "BOOL":
        return value
    if kind == "NULL":
        return None
    from boto3.dynamodb.types import TypeDeserializer

    return TypeDeserializer().deserialize(typed)
