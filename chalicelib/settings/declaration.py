"""What a setting declares at its field: its meaning, its bounds, and whether it is a secret or an address.

Validation, the sealing of secrets, the local stack and docs/settings.md derive their lists from these declarations.
"""

from typing import Any, get_args, get_origin

from msgspec import Struct, structs


class Setting(Struct, frozen=True, kw_only=True):
    """A setting. `meaning`: one phrase for docs/settings.md. `if_empty`: what an empty default stands for.

    Bounds are for numbers and inclusive, except `above`.
    """

    meaning: str
    if_empty: str = "none"
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bounds(self) -> str:
        """The bounds in words, such as `between 60 and 10,800`; empty if there are none."""
        if self.at_least is not None and self.at_most is not None:
            return f"between {self.at_least:,} and {self.at_most:,}"
        parts = []
        if self.above is not None:
            parts.append(f"above {self.above:,}")
        if self.at_least is not None:
            parts.append(f"at least {self.at_least:,}")
        if self.at_most is not None:
            parts.append(f"at most {self.at_most:,}")
        return " and ".join(parts)

    def allows(self, value: Any) -> bool:
        """Whether a number is within the bounds; NaN never is."""
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
        )


class Secret(Setting, frozen=True, kw_only=True):
    """A secret: KMS ciphertext outside the local stage. The rest describes its plain text, for the tool that encrypts.

    `is_list`: may be several values, comma-separated, while one replaces the other. `of_provider`: shared with a
    provider, so that the local stack makes one for the provider's stand-in.
    """

    begins_with: tuple[str, ...] = ()
    min_characters: int = 1
    is_list: bool = False
    of_provider: bool = False


class Address(Setting, frozen=True, kw_only=True):
    """A URL: https outside the local stage. `stand_in`: the path of its stand-in, which the local stack uses."""

    stand_in: str | None = None


class Field(Struct, frozen=True):
    """A declared setting: its name (as an environment variable in capitals), type, default and declaration."""

    name: str
    type: Any
    default: Any
    is_required: bool
    setting: Setting

    @property
    def variable(self) -> str:
        return self.name.upper()

    @property
    def requirement(self) -> str:
        """What a value has to be, such as `must be a whole number between 60 and 3,600`."""
        if get_origin(self.type) is not None:
            return f"must be {' or '.join(get_args(self.type))}"
        kinds = {int: "a whole number", float: "a number", str: "text"}
        bounds = self.setting.bounds
        return f"must be {kinds[self.type]} {'of ' if bounds.startswith('at ') else ''}{bounds}".rstrip()


def declared_fields(settings: type[Struct]) -> tuple[Field, ...]:
    """The fields of a struct of settings. Raises TypeError for one without a declaration."""
    found = []
    for field in structs.fields(settings):
        kind, *metadata = get_args(field.type) if hasattr(field.type, "__metadata__") else (field.type,)
        declarations = [item for item in metadata if isinstance(item, Setting)]
        if len(declarations) != 1:
            raise TypeError(f"The setting {field.name} needs one declaration (Setting, Secret or Address).")
        default = None if field.required else field.default
        found.append(Field(field.name, kind, default, field.required, declarations[0]))
    return tuple(found)
