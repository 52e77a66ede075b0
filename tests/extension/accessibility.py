"""What axe finds wrong with a page, in light and in dark."""

from tests.extension.context import Context
from tests.sdk.toolchain import SDK

AXE = SDK / "node_modules" / "axe-core" / "axe.min.js"
VIOLATIONS = """async (only) => {
  const options = { resultTypes: ["violations"], selectors: false, ...(only && { runOnly: only }) };
  const { violations } = await axe.run(document, options);
  const summary = (id) => ({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map(summary(id)));
}"""
SCHEMES = {"light": None, "dark": ["color-contrast"]}
"""The rules of axe by color scheme, or None for all of them: the other ones look at no color."""


def set_scheme(page: Context, scheme: str) -> None:
    """`light` or `dark`; nothing moves."""
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    page.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}, still])


def load_axe(page: Context) -> None:
    if not page.run("async () => 'axe' in window"):
        page.command("Runtime.evaluate", expression=AXE.read_text())


def find_violations(page: Context, scheme: str) -> list[str]:
    """What is wrong with a page in a color scheme: the rule, the element, and how to fix it."""
    load_axe(page)
    set_scheme(page, scheme)
    return list(page.run(VIOLATIONS, SCHEMES[scheme]))
