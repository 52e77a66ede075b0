"""The files of `.github`: valid, pinned, with the least permissions, and of commands that exist."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
# The schemas of SchemaStore and the rules of zizmor are in their packages: nothing is fetched.
SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "dependabot": [GITHUB / "dependabot.yml"],
    "github-issue-forms": [GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml" for name in ("bug", "feature")],
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
}


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name(name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def check_schema(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    return run_tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)


def audit(path: Path) -> subprocess.CompletedProcess[str]:
    return run_tool("zizmor", "--offline", "--no-progress", "--strict-collection", path)


def read(path: Path) -> Any:
    # YAML 1.1 reads the key `on` as true.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.stem} {name}", job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]


def steps() -> list[dict[str, Any]]:
    return [step for _, job in jobs() for step in job.get("steps", [])]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_files_follow_their_schema(schema: str) -> None:
    checked = check_schema(schema, *SCHEMAS[schema])

    assert checked.returncode == 0, checked.stdout


def test_zizmor_finds_no_weakness_in_the_workflows() -> None:
    audited = audit(GITHUB)

    assert audited.returncode == 0, audited.stdout


PLANTED = {
    "a job without steps": ("    steps:", "    stages:"),
    "an action by a movable tag": (r"@[0-9a-f]{40} # v5\.0\.0", "@v5"),
    "every permission": ("permissions:\n  contents: read", "permissions: write-all"),
    "a variable inside a script": ("make deploy YES=1", "make deploy ${{ github.event.head_commit.message }}"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    wrong = tmp_path / ".github" / "workflows" / "deploy.yml"
    wrong.parent.mkdir(parents=True)
    text = (GITHUB / "workflows" / "deploy.yml").read_text(encoding="utf-8")
    changed = re.sub(PLANTED[fault][0], PLANTED[fault][1], text, count=1)
    assert changed != text
    wrong.write_text(changed, encoding="utf-8")

    assert check_schema("github-workflows", wrong).returncode or audit(tmp_path).returncode


def test_every_action_is_pinned_to_a_commit_with_its_version() -> None:
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if re.search(r"\buses: [^.]", line)]

    assert len(used) >= 6
    for line in used:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    pins = {re.split(r"[@ ]", line.split("uses: ")[1])[0]: line.split("@")[1] for line in used}
    assert all(line.split("@")[1] == pins[re.split(r"[@ ]", line.split("uses: ")[1])[0]] for line in used)


def test_only_the_deployment_may_do_more_than_read() -> None:
    assert [read(path)["permissions"] for path in WORKFLOWS] == [{"contents": "read"}] * len(WORKFLOWS)
    assert {name: job["permissions"] for name, job in jobs() if "permissions" in job} == {
        "deploy deploy": {"contents": "read", "id-token": "write"}
    }
    checkouts = [step for step in steps() if "/checkout@" in step.get("uses", "")]
    assert [step["with"] for step in checkouts] == [{"persist-credentials": "false"}] * len(WORKFLOWS)
    assert "secrets." not in "".join(path.read_text() for path in WORKFLOWS)


def test_every_command_that_a_workflow_runs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = [step["run"] for step in steps() if "run" in step]
    weekly = read(GITHUB / "workflows" / "weekly.yml")["jobs"]["audit"]["strategy"]["matrix"]["target"]

    assert {"make check", "make test", 'make "$TARGET"', "make deploy YES=1"} <= set(commands)
    assert set(weekly) == {"audit", "check-secrets"}
    named = {word for command in commands for word in re.findall(r"\bmake ([a-z-]+)", command)}
    assert named | set(weekly) <= targets


def test_prod_is_deployed_from_a_tag_after_all_tests_and_an_approval() -> None:
    workflow = read(GITHUB / "workflows" / "deploy.yml")
    job = workflow["jobs"]["deploy"]

    assert workflow["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}
    assert (job["needs"], job["environment"], job["env"]["STAGE"]) == ("test", "prod", "prod")
    assert workflow["jobs"]["test"] == {"uses": "./.github/workflows/ci.yml"}
    assert "workflow_call" in read(GITHUB / "workflows" / "ci.yml")["on"]
    (credentials,) = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
    assert set(credentials) == {"role-to-assume", "aws-region"}  # no key
    assert workflow["concurrency"]["cancel-in-progress"] == "false"


def test_audits_run_every_week() -> None:
    (schedule,) = read(GITHUB / "workflows" / "weekly.yml")["on"]["schedule"]

    minute, _, day, month, weekday = schedule["cron"].split()
    assert (day, month) == ("*", "*")
    assert weekday in "0123456"
    assert minute != "0"


def test_dependabot_watches_every_kind_of_dependency() -> None:
    updates = {item["package-ecosystem"]: item for item in read(GITHUB / "dependabot.yml")["updates"]}

    assert set(updates) == {"pip", "npm", "github-actions"}
    assert {item["schedule"]["interval"] for item in updates.values()} == {"weekly"}
    for ecosystem, file in {"pip": "requirements.txt", "npm": "package-lock.json"}.items():
        assert (ROOT / updates[ecosystem]["directory"].strip("/") / file).is_file()
    pinned = re.findall(
        r"^([\w-]+)", "".join(path.read_text() for path in ROOT.glob("requirements*.txt")), re.MULTILINE
    )
    grouped = {name for group in updates["pip"]["groups"].values() for name in group["patterns"]}
    assert grouped <= set(pinned)


def test_the_templates_send_vulnerabilities_to_a_private_place() -> None:
    bug = (GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text()

    assert "SECURITY.md" in bug
    assert "security advisory" in (ROOT / "SECURITY.md").read_text()
    request = (GITHUB / "pull_request_template.md").read_text()
    for command in ("make check", "make test", "make contract"):
        assert f"`{command}`" in request
