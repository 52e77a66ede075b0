"""The package of the browser SDK as npm packs it: its types are found, and its page leads nowhere outside of it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.sdk.toolchain import SDK, TSC, install, installing, run

CONSUMERS = {
    "module.ts": """import { createClient, type LiveSession } from "live-transcription-browser";
export const session: LiveSession = createClient({ baseUrl: "https://api.example" }).live.create();
""",
    "classic.ts": """/// <reference types="live-transcription-browser/classic" />
const session: LiveTranscription.LiveSession =
  LiveTranscription.createClient({ baseUrl: "https://api.example" }).live.create();
""",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK as a dependency: the files that npm packs, in a folder of a consumer."""
    install()
    folder = tmp_path_factory.mktemp("consumer")
    with installing() as npm:
        packed = json.loads(run(npm, "pack", "--dry-run", "--json"))
    target = folder / "node_modules" / "live-transcription-browser"
    for path in (file["path"] for file in packed[0]["files"]):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SDK / path, target / path)
    return target


@pytest.mark.parametrize("name", CONSUMERS)
def test_modules_and_classic_scripts_find_the_types_of_the_package(name: str, package: Path) -> None:
    project = package.parents[1] / f"{name}.json"
    (package.parents[1] / name).write_text(CONSUMERS[name])
    options = {
        "noEmit": True,
        "strict": True,
        "module": "NodeNext",
        "target": "ES2022",
        "moduleDetection": "auto",
        "types": [],
    }
    project.write_text(json.dumps({"compilerOptions": options, "files": [name]}))

    run(TSC, "--project", str(project))


def test_the_package_holds_what_it_names_and_no_link_leads_out_of_it(package: Path) -> None:
    description = json.loads((package / "package.json").read_text())
    entries = [description["main"], description["types"], *paths_of(description["exports"])]

    scripts = {name: entry for name, entry in description["exports"].items() if name != "./package.json"}
    assert [name for name, entry in scripts.items() if not isinstance(entry, dict) or "types" not in entry] == []
    assert [path for path in entries if not (package / path).is_file()] == []
    assert (package / "LICENSE").is_file()
    page = (package / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)", page)
    assert [link for link in links if "://" not in link and not (package / link).is_file()] == []


def paths_of(exports: object) -> list[str]:
    if isinstance(exports, dict):
        return [path for value in exports.values() for path in paths_of(value)]
    return [str(exports)]


def test_the_page_says_which_node_needs_a_flag_for_sockets() -> None:
    description = json.loads((SDK / "package.json").read_text())
    page = (SDK / "README.md").read_text(encoding="utf-8")

    assert description["engines"] == {"node": ">=20"}
    assert "Node 20 has sockets only with `node --experimental-websocket`" in page
