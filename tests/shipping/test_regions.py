"""What must not depend on the region or the partition: templates, roles, addresses."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import deploy as deploying
from scripts.shipping.project import RealAws
from tests.shipping.conftest import STAGES
from tests.shipping.test_translated_template import translate

ROOT = Path(__file__).parents[2]
REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2", "sa-east-1")
# Names of services in trust policies and conditions, which are the same in every partition.
SERVICE_PRINCIPAL = re.compile(
    r"\b(apigateway|cloudformation|codedeploy|email\.cognito-idp|events|lambda|sts)\.amazonaws\.com"
)
# Addresses in help and in samples of the contract, and the table of the partitions' domains itself.
EXAMPLES = {
    "scripts/smoke.py": 1,
    "chalicelib/http/openapi/samples/accounts.py": 1,
    "chalicelib/http/openapi/samples/catchup.py": 1,
    "chalicelib/settings/schema.py": 2,
    "scripts/local/events.py": 1,  # events of the emulated AWS
}
WholeTemplate = Callable[..., dict[str, Any]]


ALL_OPTIONS = {"CanaryDeployment": "true", "MonthlyBudgetDollars": 50}


def test_the_templates_are_valid_in_each_region(whole_template: WholeTemplate, tmp_path: Path) -> None:
    """Dev, prod with all that a parameter adds, and the templates that are deployed as written, in one process."""
    with_options = json.loads(json.dumps(whole_template("prod", has_budget=True)))
    for name, value in ALL_OPTIONS.items():
        with_options["Parameters"][name]["Default"] = value
    files = [ROOT / ".chalice" / "resources.yaml", ROOT / ".github" / "aws" / "deploy-role.yaml"]
    for stage, template in {"dev": whole_template("dev"), "prod": with_options}.items():
        files.append(tmp_path / f"{stage}.json")
        files[-1].write_text(json.dumps(template), encoding="utf-8")

    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--regions", *REGIONS, "--", *files],
        capture_output=True,
        text=True,
    )

    assert (linted.returncode, linted.stdout) == (0, ""), linted.stderr


def partition_literals(text: str) -> list[str]:
    """Places that name the usual partition, where another one has another name."""
    return re.findall(r"arn:aws:[\w-]*|[\w.-]*amazonaws\.com[\w.]*", SERVICE_PRINCIPAL.sub("", text))


def test_no_code_and_no_template_names_the_usual_partition() -> None:
    files = [ROOT / "app.py", *(ROOT / ".chalice").glob("*.yaml"), *(ROOT / ".github").rglob("*.y*ml")]
    files += [path for folder in ("chalicelib", "scripts", "sandbox") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): partition_literals(path.read_text(encoding="utf-8")) for path in files}

    assert {path: len(places) for path, places in found.items() if places} == EXAMPLES


@pytest.mark.parametrize("stage", STAGES)
def test_the_translated_template_names_no_partition(
    whole_template: WholeTemplate, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eusc-de-east-1")
    resources = translate(whole_template(stage))

    written = json.dumps({name: item for name, item in resources.items() if name != "RestAPI"})
    assert partition_literals(written) == []
    definition = json.dumps(resources["RestAPI"]["Properties"]["Body"]["paths"])
    assert partition_literals(definition) == []


def test_a_planted_partition_is_found() -> None:
    assert partition_literals("arn:aws:s3:::bucket and https://sqs.eu-west-1.amazonaws.com/1") == [
        "arn:aws:s3",
        "sqs.eu-west-1.amazonaws.com",
    ]
    assert partition_literals("arn:${AWS::Partition}:s3:::bucket, lambda.amazonaws.com") == []


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two named profiles, each with its own keys and region, and nothing else that names an account."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(
        "".join(
            f"[profile {name}]\nregion = {region}\naws_access_key_id = canary-{name}\naws_secret_access_key = canary\n"
            for name, region in (("work", "eu-central-1"), ("home", "sa-east-1"))
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return config


@pytest.mark.parametrize(("profile", "region"), [("work", "eu-central-1"), ("home", "sa-east-1")])
def test_a_named_profile_chooses_account_and_region(
    profiles: Path, profile: str, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", profile)
    aws = RealAws()

    assert aws.region == region
    sent: list[str] = []
    client = aws.client("sqs")
    client.meta.events.register(
        "before-send", lambda request, **_: sent.append(request.headers["Authorization"]) or stop()
    )
    with pytest.raises(InterruptedError):
        client.list_queues()
    assert f"Credential=canary-{profile}/" in str(sent[0])
    assert f"/{region}/sqs/" in str(sent[0])

    monkeypatch.setenv("AWS_REGION", "ap-southeast-2")
    assert RealAws().region == "ap-southeast-2"  # One profile may deploy to several regions.


def test_a_profile_is_used_before_keys_in_the_environment(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the runbook says."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-of-another-account")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert RealAws()._session.get_credentials().access_key == "canary-of-another-account"

    monkeypatch.setenv("AWS_PROFILE", "work")
    assert RealAws()._session.get_credentials().access_key == "canary-work"


def test_an_unknown_profile_is_reported_in_one_line(
    profiles: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    assert deploying.main(["--stage", "dev"]) == 1
    assert capsys.readouterr().err.strip() == "The config profile (nobody) could not be found"


def stop() -> None:
    """End a call before anything is sent."""
    raise InterruptedError
