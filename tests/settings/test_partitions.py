"""Partitions of AWS: the token issuer of a user pool in each of their regions."""

import json
from importlib.resources import files
from typing import Any

import pytest

from chalicelib.settings.schema import user_pool_issuer
from scripts.shipping.plain import policy

PARTITIONS: list[dict[str, Any]] = json.loads(files("botocore").joinpath("data/partitions.json").read_text())[
    "partitions"
]
REGIONS = [
    (region, partition["outputs"]["dnsSuffix"])
    for partition in PARTITIONS
    for region in partition["regions"]
    if not region.endswith("-global")
]


@pytest.mark.parametrize(("region", "domain"), REGIONS)
def test_the_issuer_has_the_domain_of_the_partition(region: str, domain: str) -> None:
    assert user_pool_issuer(region, f"{region}_pool") == f"https://cognito-idp.{region}.{domain}/{region}_pool"


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-eusc"])
def test_the_policy_of_a_plain_deployment_names_resources_of_its_partition_only(partition: str) -> None:
    class Outputs(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return f"arn:{partition}:service:region:account:{name}"

    written = json.dumps(policy("dev", Outputs()))

    assert f'"arn:{partition}:logs:' in written
    assert written.count('"arn:') == written.count(f'"arn:{partition}:')
