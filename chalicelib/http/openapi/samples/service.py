"""Examples of the shapes of the section Service."""

from .... import contract

EXAMPLES = [
    contract.AnyQuery(),
    contract.Health(status="ok", stage="prod", build="2026-11-30"),
]
