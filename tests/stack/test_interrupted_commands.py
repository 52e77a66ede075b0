"""Commands that were interrupted, or run side by side: refused in a sentence or continued, and nothing is lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.shipping import cloudformation, location, progress, shipment
from scripts.shipping.project import ShippingError
from tests.stack.operators import (
    APPLICATION,
    RESOURCES,
    Operator,
    decrypt,
    remains,
    signal,
    status,
)

# A resource that is being created until it gets a signal.
WAIT = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT5M"}},
}


@pytest.fixture
def slow_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource stack is being created until it gets a signal."""
    template = shipment.RESOURCES.read_text(encoding="utf-8")
    path = tmp_path / "resources.yaml"
    path.write_text(template.replace("\nResources:\n", f"\nResources:\n  Wait: {json.dumps(WAIT)}\n"))
    monkeypatch.setattr(shipment, "RESOURCES", path)


@pytest.mark.usefixtures("slow_resources")
def test_an_interrupted_deployment_is_continued(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(cloudformation.Progress, "report", interrupt)
        with pytest.raises(KeyboardInterrupt):
            operator.make_resources()
    assert status(operator) == "CREATE_IN_PROGRESS"

    for run in (operator.make_resources, operator.destroy, lambda: operator.destroy(with_data=True)):
        with pytest.raises(ShippingError, match=f"{RESOURCES} is CREATE_IN_PROGRESS: .* Nothing was changed"):
            run()
    assert "IDENTITY_HMAC_KEY" not in operator.settings

    signal(operator, RESOURCES)
    operator.make_resources()
    sealed = operator.settings
    assert decrypt(operator, "IDENTITY_HMAC_KEY")
    operator.make_resources()
    assert operator.settings == sealed


@pytest.mark.usefixtures("slow_resources")
def test_progress_is_shown_while_cloudformation_works(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "PERIOD_SECONDS", 0)
    report = progress.Progress.report

    reported: list[Any] = []

    def report_and_signal(self: Any) -> None:
        report(self)
        if not reported:
            signal(operator, RESOURCES)
        reported.append(self)

    monkeypatch.setattr(cloudformation.Progress, "report", report_and_signal)
    operator.make_resources()

    lines = re.findall(r"^  \d:\d\d  (\d+) of (\d+) resources done(?:, now: (.*))?$", capsys.readouterr().out, re.M)
    assert lines[0][2] == "Wait"
    assert lines[-1][:2] == ("16", "16")


def test_a_stage_is_not_destroyed_while_its_application_is_deployed(owner: Operator) -> None:
    cloudformation_client = owner.aws.client("cloudformation")
    cloudformation_client.create_stack(StackName=APPLICATION, TemplateBody=json.dumps({"Resources": {"Wait": WAIT}}))
    files, kept = owner.files(), remains(owner)

    for run in (
        owner.destroy,
        lambda: owner.destroy(with_data=True),
        owner.every_command()["deploy"],
    ):
        with pytest.raises(ShippingError, match=f"{APPLICATION} is CREATE_IN_PROGRESS: .* Nothing was changed"):
            run()
    assert (owner.files(), remains(owner), status(owner)) == (
        files,
        kept,
        "CREATE_COMPLETE",
    )

    signal(owner, APPLICATION)
    owner.destroy()
    assert (status(owner, APPLICATION), status(owner), remains(owner)) == (
        "",
        "",
        kept,
    )


def test_a_deployment_stops_if_the_stage_is_destroyed_beside_it(operator: Operator) -> None:
    def destroy_meanwhile() -> bool:
        operator.destroy()
        return True

    with pytest.raises(ShippingError, match="changed by another command since these changes were planned"):
        operator.make_resources(agree=destroy_meanwhile)
    assert (status(operator), remains(operator)) == ("", [])

    operator.make_resources()
    assert status(operator) == "CREATE_COMPLETE"


def test_a_refused_plan_of_a_destroyed_stage_ends_in_a_sentence(operator: Operator) -> None:
    def destroy_and_refuse() -> bool:
        operator.destroy()
        return False

    with pytest.raises(ShippingError, match=r"Nothing was changed\."):
        operator.make_resources(agree=destroy_and_refuse)
    assert location.find("dev", operator.config_file) is None
