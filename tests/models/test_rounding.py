"""Rounding gives what JavaScript's `Math.round` gives."""

import pytest

from chalicelib.models.rounding import round_half_up


@pytest.mark.parametrize(
    ("number", "rounded"),
    [(1234.5, 1235), (1235.5, 1236), (0.5, 1), (1.5, 2), (2.5, 3), (1234.49, 1234), (0.49999999999999994, 0),
     (-0.5, 0), (-1.5, -1), (-1.51, -2), (7, 7), (1e308, int(1e308)), (4503599627370497.5, 4503599627370498)],
)  # fmt: skip
def test_of_two_whole_numbers_it_is_the_higher_one(number: float, rounded: int) -> None:
    assert (round_half_up(number), type(round_half_up(number))) == (rounded, int)
