"""The files of the extension: the SDK in it is the built one, and the manifest asks for no more than is explained."""

import json
import re

from scripts.local.extension import EXTENSION
from tests.sdk.toolchain import SDK

MANIFEST = json.loads((EXTENSION / "manifest.json").read_text("utf-8"))


def test_the_sdk_in_the_extension_is_the_built_one() -> None:
    built = SDK / "dist" / "live-transcription.mjs"

    assert (EXTENSION / "sdk" / built.name).read_bytes() == built.read_bytes(), "the copy is old: run `make sdk`"


def test_each_permission_is_explained_and_none_is_left_over() -> None:
    readme = (EXTENSION / "README.md").read_text("utf-8")

    assert sorted(re.findall(r"^\| `(\w+)` \| [^|]+ \|$", readme, re.MULTILINE)) == sorted(MANIFEST["permissions"])


def test_no_script_of_another_place_can_run() -> None:
    policy = MANIFEST["content_security_policy"]["extension_pages"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules["default-src"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert "unsafe" not in policy


def test_every_file_of_the_core_is_in_the_readme() -> None:
    readme = (EXTENSION / "README.md").read_text("utf-8")
    names = {path.name for folder in ("common", "background") for path in (EXTENSION / folder).iterdir()}

    assert {name for name in names if name not in readme} == set()
