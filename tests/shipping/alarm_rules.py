"""Whether a log line feeds an alarm of the template: what CloudWatch takes from the one is what the other looks at."""

from typing import Any


def fed(line: dict[str, Any], alarm: dict[str, Any], stage: str) -> int:
    """How much of the alarm's metric the line tells; 0 if CloudWatch would find nothing of it there.

    `alarm`: the resource as the template has it. By name, namespace and exactly these dimensions with these values:
    CloudWatch takes two metrics that differ in any of them for two metrics.
    """
    wanted = alarm["Properties"]
    dimensions = {one["Name"]: one["Value"] for one in wanted["Dimensions"]}
    values = {name: stage if value == {"Ref": "Stage"} else value for name, value in dimensions.items()}
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        is_named = wanted["MetricName"] in {metric["Name"] for metric in directive["Metrics"]}
        is_split = any(set(names) == set(values) for names in directive["Dimensions"])
        is_ours = all(line.get(name) == value for name, value in values.items())
        if directive["Namespace"] == wanted["Namespace"] and is_named and is_split and is_ours:
            return int(line[wanted["MetricName"]])
    return 0
