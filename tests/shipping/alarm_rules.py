"""The value that a log line has for the metric of an alarm, as CloudWatch reads both."""

from typing import Any


def metric_value(line: dict[str, Any], alarm: dict[str, Any], stage: str) -> int:
    """The value of the alarm's metric in the line; 0 if the line does not have this metric.

    `alarm`: the resource of the template. Name, namespace, dimensions and their values must match: CloudWatch treats
    metrics that differ in any of them as different metrics.
    """
    properties = alarm["Properties"]
    dimensions = {item["Name"]: item["Value"] for item in properties["Dimensions"]}
    values = {name: stage if value == {"Ref": "Stage"} else value for name, value in dimensions.items()}
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        has_name = properties["MetricName"] in {metric["Name"] for metric in directive["Metrics"]}
        has_dimensions = any(set(names) == set(values) for names in directive["Dimensions"])
        has_values = all(line.get(name) == value for name, value in values.items())
        if directive["Namespace"] == properties["Namespace"] and has_name and has_dimensions and has_values:
            return int(line[properties["MetricName"]])
    return 0
