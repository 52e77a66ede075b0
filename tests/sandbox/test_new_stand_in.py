"""A further stand-in needs its own package and no other file of the sandbox."""

import shutil
from types import ModuleType

import httpx
import pytest

from sandbox.app import find_services, gather_faults
from tests.sandbox.process import ROOT, running

SERVICE = """
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from sandbox.faults import HTTP_KINDS
from sandbox.stand_in import StandInParts, StandInRoutes

FAULTS = {"example.token": HTTP_KINDS}


def create(parts: StandInParts) -> StandInRoutes:
    async def token(request):
        is_known = request.headers.get("authorization") == parts.key("example")
        return PlainTextResponse("token" if is_known else "refused", 200 if is_known else 401)

    return StandInRoutes([Mount("/example", routes=[Route("/token", token)])])
"""


def test_a_package_with_a_service_is_mounted(keys, tmp_path):
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    package = tmp_path / "sandbox" / "example"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "service.py").write_text(SERVICE, encoding="utf-8")

    with running(keys, tmp_path / "log", root=tmp_path, SANDBOX_EXAMPLE_KEY="key") as url:
        answers = [
            httpx.get(f"{url}/example/token", headers={"Authorization": key}).status_code for key in ("key", "other")
        ]
        fault = httpx.post(f"{url}/sandbox/faults", json={"service": "example.token", "kind": "401"})

    assert answers == [200, 401]
    assert fault.status_code == 201


@pytest.mark.parametrize(
    ("names", "doubled"),
    [
        (["openai.chat"], "openai.chat"),
        (["example.token", "openai.responses", "openai.chat"], "openai.chat, openai.responses"),
        (["assemblyai.token"], "assemblyai.token"),
        (["example.token"], ""),
        ([], ""),
    ],
    ids=str,
)
def test_two_stand_ins_with_a_fault_of_one_name_are_refused(names: list[str], doubled: str) -> None:
    """One would otherwise take the other's faults, without a sign of it."""
    example = ModuleType("sandbox.example.service")
    example.FAULTS = {name: {"500"} for name in names}
    services = [*find_services(), example]

    if not doubled:
        assert set(names) <= gather_faults(services).keys()
        return
    with pytest.raises(ValueError, match=f"sandbox.example.service names faults .* too: {doubled}$"):
        gather_faults(services)
