"""Numbers with their nouns, for messages: "1 credit", "2,000 credits"."""


def quantity(number: int, noun: str) -> str:
    """The number with separators, and the noun in agreement with it."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def be_form(number: int) -> str:
    """The verb for a counted noun."""
    return "is" if number == 1 else "are"
