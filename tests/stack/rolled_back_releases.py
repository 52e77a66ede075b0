"""A bad release, and the way back from it, on a stage in the emulated AWS."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts import rollback as rolling_back
from scripts.local.aws import LocalAws
from scripts.shipping import package, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.package import Package
from scripts.shipping.project import ShippingError
from scripts.shipping.shipment import Shipment
from tests.stack.deploy_role import DeployRole
from tests.stack.deployed_stage import FUNCTIONS, application_stack, function_settings, resource_stack

DOMAIN = {"DomainName": "api.example.com", "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/one"}
BROKEN_APP = "raise RuntimeError('planted')\n"


def code_of_functions(aws: LocalAws) -> dict[str, str]:
    """Logical name → hash of the code that is invoked."""
    names = {name: application_stack(aws).physical_id(name) for name in FUNCTIONS}
    configurations = {
        name: aws.client("lambda").get_function_configuration(FunctionName=function, Qualifier="live")
        for name, function in names.items()
    }
    return {name: configuration["CodeSha256"] for name, configuration in configurations.items()}


def running_template(aws: LocalAws) -> Any:
    response = aws.client("cloudformation").get_template(
        StackName=application_stack(aws).name, TemplateStage="Original"
    )
    body = response["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


def get_health(aws: LocalAws) -> requests.Response:
    api_id = application_stack(aws).outputs()["RestAPIId"]
    return requests.get(f"{aws.endpoint_url}/_aws/execute-api/{api_id}/api/health", timeout=60)


def check_rollback(
    aws: LocalAws,
    role: DeployRole,
    deploy: Callable[..., None],
    good_package: Package,
    directory: Path,
    capsys: pytest.CaptureFixture[str],
    **parameters: str,
) -> None:
    """Deploys a release whose functions all fail, and brings back what ran; twice back; forward by name.

    `role`: the same AWS as the one who rolls back has it.
    `good_package`: the one that runs. `parameters`: of the stage. The build before the running one has other settings.
    """
    before = (
        code_of_functions(aws),
        running_template(aws),
        function_settings(aws),
        application_stack(aws).parameters(),
    )
    good = get_health(aws).json()["build"]
    with pytest.MonkeyPatch.context() as patches:
        break_package(patches, good_package, directory)
        deploy(**DOMAIN, **parameters)
    bad = application_stack(aws).parameters()["Build"]
    assert "Deployed: https://api.example.com   (build" in capsys.readouterr().out
    assert application_stack(aws).outputs()["DomainTarget"]
    assert get_health(aws).status_code >= 500
    assert code_of_functions(aws).keys() == before[0].keys()
    assert not code_of_functions(aws).items() & before[0].items()

    with pytest.MonkeyPatch.context() as patches:  # without building or installing anything
        patches.setattr(package, "build", lambda *_: pytest.fail("a rollback builds nothing"))
        questions: list[str] = []
        with pytest.raises(ShippingError, match=r"Nothing was changed\."):
            rolling_back.rollback(role, "dev", agree=lambda question: bool(questions.append(question)))
        assert questions[0].startswith(f"{bad} runs. Run {good}, last deployed ")
        assert get_health(aws).status_code >= 500

        capsys.readouterr()
        rolling_back.rollback(role, "dev", agree=lambda question: True)
        assert f"{good} runs: {len(FUNCTIONS)} functions have the code of" in capsys.readouterr().out
        after = (
            code_of_functions(aws),
            running_template(aws),
            function_settings(aws),
            application_stack(aws).parameters(),
        )
        assert after == before
        assert (get_health(aws).status_code, get_health(aws).json()["build"]) == (200, good)

        # Once more goes one further, not to the bad one again; code and settings are those of that build.
        rolling_back.rollback(role, "dev", agree=lambda question: True)
        assert function_settings(aws)["APIHandler"]["LEASE_SECONDS"] != before[2]["APIHandler"]["LEASE_SECONDS"]
        with pytest.raises(ShippingError) as caught:
            rolling_back.rollback(role, "dev", agree=lambda question: True)
        assert "There is no build before" in str(caught.value)

        with pytest.raises(ShippingError) as caught:
            rolling_back.rollback(role, "dev", "000000000000", agree=lambda question: True)
        assert f"{bad}  " in str(caught.value)
        assert str(caught.value).count("  rolled back") == 2
        with patches.context() as busy:
            busy.setattr(Stack, "state", lambda self: "UPDATE_IN_PROGRESS")
            with pytest.raises(ShippingError, match="aws deploy stop-deployment --auto-rollback-enabled"):
                rolling_back.rollback(role, "dev", good, agree=lambda question: True)
        check_damaged_package(aws, role, good)
        rolling_back.rollback(role, "dev", good, agree=lambda question: True)
        assert running_template(aws) == before[1]
        versions = aws.client("lambda").list_versions_by_function(
            FunctionName=application_stack(aws).physical_id("Work")
        )
        assert len(versions["Versions"]) == 2  # $LATEST and the one that runs
        shipment = Shipment(aws, "dev", project.read())
        with pytest.raises(ShippingError, match=f"APIHandler, .* do not run the code of {bad}"):
            rolling_back._check_code(shipment, shipment.releases.read(bad))
        capsys.readouterr()
        rolling_back.rollback(role, "dev", good, agree=lambda question: pytest.fail("nothing to ask"))
        assert f"{good} runs already." in capsys.readouterr().out


def break_package(patches: pytest.MonkeyPatch, good: Package, directory: Path) -> None:
    """Deployments have the same template, and code that fails at its import."""
    path = directory / "broken.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("app.py", BROKEN_APP)
    patches.setattr(Shipment, "pack", lambda self: Package(path, good.template))


def check_damaged_package(aws: LocalAws, role: DeployRole, build: str) -> None:
    """A rollback refuses a package that was overwritten or deleted; the versions of the bucket bring it back."""
    s3, bucket = aws.client("s3"), resource_stack(aws).outputs()["PackageBucket"]
    record = json.loads(s3.get_object(Bucket=bucket, Key=f"builds/{build}.json")["Body"].read())
    key = record["package"]
    (stored,) = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    runs = application_stack(aws).parameters()["Build"]

    for damage in (
        lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"x"),
        lambda: s3.delete_object(Bucket=bucket, Key=key),
    ):
        damaged = damage()
        with pytest.raises(ShippingError, match=f"{key} in {bucket} .* list-object-versions"):
            rolling_back.rollback(role, "dev", build, agree=lambda question: True)
        assert application_stack(aws).parameters()["Build"] == runs
        s3.delete_object(Bucket=bucket, Key=key, VersionId=damaged["VersionId"])
    assert s3.head_object(Bucket=bucket, Key=key)["VersionId"] == stored["VersionId"]
