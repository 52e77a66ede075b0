"""Rounding as browsers do it."""

import math


def round_half_up(number: float) -> int:
    """The nearest whole number; of two, the higher one, as JavaScript's `Math.round` has it."""
    below = math.floor(number)
    return below + (number - below >= 0.5)
