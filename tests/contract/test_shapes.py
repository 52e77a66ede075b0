"""Every shape of the contract is built by keyword, so that a new field never shifts another one's value."""

import msgspec
import pytest

from chalicelib import contract

SHAPES = {
    name: shape
    for name, shape in vars(contract).items()
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and shape.__struct_fields__
}


def test_the_shapes_are_found() -> None:
    assert len(SHAPES) > 80


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_takes_no_positional_arguments(name: str) -> None:
    with pytest.raises(TypeError, match="positional"):
        SHAPES[name](None)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_shows_no_values(name: str) -> None:
    """Some are passwords and tokens, and a repr may get into logs."""
    shape = SHAPES[name]
    if issubclass(shape, contract.RequestShape | contract.ResponseShape):
        assert shape.__repr__ in (contract.RequestShape.__repr__, contract.ResponseShape.__repr__)
