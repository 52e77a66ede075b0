"""Plain values as DynamoDB's typed values, and back."""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, strategies as st

from chalicelib.repositories.expressions import deserialize, serialize

SCALARS = st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(st.text(), VALUES, max_size=6))
def test_values_are_typed_as_by_boto3_and_read_back_as_they_were(values: dict[str, Any]) -> None:
    typed = serialize(values)

    assert typed == {name: TypeSerializer().serialize(value) for name, value in values.items()}
    assert deserialize(typed) == values


def test_other_types_are_left_to_boto3() -> None:
    typed = serialize({"set": {"a"}, "decimal": Decimal("1.5"), "tuple": (1, "a")})

    assert typed == {"set": {"SS": ["a"]}, "decimal": {"N": "1.5"}, "tuple": {"L": [{"N": "1"}, {"S": "a"}]}}
    assert deserialize({"set": {"SS": ["a"]}}) == {"set": {"a"}}
