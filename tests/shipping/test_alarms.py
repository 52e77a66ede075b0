"""Every alarm watches a metric that the app writes, notifies the topic and has a runbook."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.logs import log
from chalicelib.models.alarms import ALARM_NAMES
from scripts.shipping.alarms import ALARMS, NAMESPACE
from tests.shipping.alarm_rules import metric_value

ROOT = Path(__file__).parents[2]
WholeTemplate = Callable[..., dict[str, Any]]


def read_section(text: str, heading: str) -> str:
    """The text under a heading of the second level."""
    (found,) = re.findall(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_alarm_has_a_runbook_and_notifies_the_topic(whole_template: WholeTemplate) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    runbooks = re.findall(r"^### (\w+)$", read_section(text, "Alarms"), re.MULTILINE)
    resources = whole_template("prod")["Resources"]
    alarms = {name for name, item in resources.items() if item["Type"] == "AWS::CloudWatch::Alarm"}

    assert sorted(runbooks) == sorted(ALARMS)  # and no runbook without an alarm
    assert f"| alarms | {len(ALARMS)} |" in read_section(text, "Costs")
    assert alarms == {f"{name}Alarm" for name in ALARMS}
    assert all(resources[name]["Properties"]["AlarmActions"] == [{"Ref": "Alarms"}] for name in alarms)


def test_every_alarm_that_the_docs_name_exists() -> None:
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = set(re.findall(r"\balarms?(?: on)?\s+(?:\**`|\[)(\w+)(?:`|\]\()", text))

    assert {"ErasuresOverdue", "AuditMismatch", "PaymentEvents", "DeadLetters", "Throttled"} <= named
    assert named <= {alarm.metric for alarm in ALARMS.values()} | set(ALARMS)


def test_every_watched_metric_is_written_by_the_code() -> None:
    code = "".join(path.read_text() for path in [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")])

    for alarm in ALARMS.values():
        if alarm.namespace == NAMESPACE:
            assert f'"{alarm.metric}"' in code, alarm.metric


def test_log_lines_have_the_metrics_that_the_alarms_watch(
    whole_template: WholeTemplate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, namespace and dimensions: CloudWatch does not report an alarm on a metric that is never written."""
    monkeypatch.setattr("chalicelib.settings.load.stage", lambda: "prod")
    resources = whole_template("prod")["Resources"]
    names = [f"{name}Alarm" for name, alarm in ALARMS.items() if alarm.namespace == NAMESPACE]
    assert {"AwsErrorsAlarm", "SecretsAlarm", "AuditMismatchAlarm"} <= set(names)

    for name in names:
        log.line("something", metrics={resources[name]["Properties"]["MetricName"]: (3, "Count")})
        line = json.loads(capsys.readouterr().out)
        assert metric_value(line, resources[name], "prod") == 3
        assert metric_value(line, resources[name], "dev") == 0
        for changed in ({"MetricName": "Another"}, {"Namespace": "Another"}, {"Dimensions": []}):
            assert metric_value(line, {"Properties": resources[name]["Properties"] | changed}, "prod") == 0


def test_the_dashboard_asks_for_every_alarm() -> None:
    assert tuple(ALARMS) == ALARM_NAMES
