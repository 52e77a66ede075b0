"""Conditions and updates as expressions, beside those that boto3 builds."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from boto3.dynamodb import conditions as boto3_conditions
from hypothesis import given, strategies as st

from chalicelib.repositories.conditions import Attr, Condition, condition_expression, update_expression

NAMES = st.sampled_from(["pk", "sk", "state", "usage.seconds", "usage.credits", "a.b.c"])
VALUES = st.integers() | st.text(max_size=5) | st.binary(max_size=5)
Both = tuple[Condition, boto3_conditions.ConditionBase]


def make_both(name: str, make: Callable[[Any], Any]) -> Both:
    return make(Attr(name)), make(boto3_conditions.Attr(name))


def compare(operator: str) -> st.SearchStrategy[Both]:
    return st.builds(lambda name, value: make_both(name, lambda attr: getattr(attr, operator)(value)), NAMES, VALUES)


LEAVES = st.one_of(
    *map(compare, ("eq", "ne", "lt", "lte", "gt", "gte")),
    st.builds(lambda name, start: make_both(name, lambda attr: attr.begins_with(start)), NAMES, st.text(max_size=3)),
    st.builds(
        lambda name, a, b: (Attr(name).is_between(a, b), boto3_conditions.Attr(name).between(a, b)),
        NAMES,
        VALUES,
        VALUES,
    ),
    st.builds(lambda name, v: make_both(name, lambda attr: attr.is_in(v)), NAMES, st.lists(VALUES, min_size=1)),
    st.builds(lambda name: make_both(name, lambda attr: attr.exists()), NAMES),
    st.builds(lambda name: make_both(name, lambda attr: attr.not_exists()), NAMES),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a, b: (a[0] & b[0], a[1] & b[1]), inner, inner),
        st.builds(lambda a, b: (a[0] | b[0], a[1] | b[1]), inner, inner),
        st.builds(lambda a: (~a[0], ~a[1]), inner),
    ),
    max_leaves=8,
)


def written_out(expression: str, names: dict[str, str], values: dict[str, Any]) -> list[str]:
    """The expression with names and values in their places. Each placeholder that is given must be used."""
    pieces = re.split(r"([#:][a-z]\d+)", expression)
    assert {piece for piece in pieces if piece[:1] in ("#", ":")} == names.keys() | values.keys()
    return [repr(values[piece]) if piece in values else names.get(piece, piece) for piece in pieces]


@given(CONDITIONS)
def test_a_condition_says_what_boto3_makes_of_it(both: Both) -> None:
    own, boto3s = both
    built = boto3_conditions.ConditionExpressionBuilder().build_expression(boto3s)

    expected = written_out(
        built.condition_expression, built.attribute_name_placeholders, built.attribute_value_placeholders
    )
    assert written_out(*condition_expression(own)) == expected


def test_conditions_of_one_shape_share_no_value() -> None:
    first = condition_expression(Attr("state").eq("open") & Attr("at").lt(1))
    second = condition_expression(Attr("state").eq("over") & Attr("at").lt(2))

    first[1].clear()
    assert second == ("(#n0 = :v0 AND #n1 < :v1)", {"#n0": "state", "#n1": "at"}, {":v0": "over", ":v1": 2})
    assert condition_expression(Attr("state").eq("open") & Attr("at").lt(1))[2] == {":v0": "open", ":v1": 1}


def test_an_update_names_each_path_and_value_once() -> None:
    expression, names, values = update_expression({"a": 1, ("m", "b"): "x"}, {"count": 2}, ["c", ("m", "d")])

    assert expression == "SET #u0 = :u0, #u1.#u2 = :u1 ADD #u3 :u2 REMOVE #u4, #u1.#u5"
    assert names == {"#u0": "a", "#u1": "m", "#u2": "b", "#u3": "count", "#u4": "c", "#u5": "d"}
    assert values == {":u0": 1, ":u1": "x", ":u2": 2}
    assert update_expression({}, {}, ["c"]) == ("REMOVE #u0", {"#u0": "c"}, {})


@pytest.mark.parametrize("paths", [["a", "a"], [("m", "b"), "m"], [("m", "b"), ("m", "b", "c")]], ids=str)
def test_an_update_that_changes_a_path_twice_is_a_bug(paths: list[Any]) -> None:
    with pytest.raises(ValueError, match="changes both"):
        update_expression({paths[0]: 1}, {}, paths[1:])
