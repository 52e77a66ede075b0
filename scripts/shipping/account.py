"""What the account's quota of concurrent functions allows the parameters of a stage."""

from collections.abc import Mapping

from chalice.package import YAMLTemplateSerializer

from scripts.shipping.project import Aws, ShippingError
from scripts.shipping.template import API

# AWS keeps so many executions for functions without a reservation, and in a smaller account all of them. Source: Lambda
# developer guide, "Configuring reserved concurrency"; the refusal of a new account names its own quota, 10.
KEPT_UNRESERVED = 100
ADVICE = (
    "Ask AWS for 1,000 (Service Quotas, Lambda, Concurrent executions); docs/runbooks.md, Ten concurrent executions."
)


def check_concurrency(aws: Aws, chosen: Mapping[str, str], deployed: Mapping[str, str]) -> None:
    """Raises ShippingError for parameters with which AWS would refuse the stack, or workers would starve the API.

    `chosen`: the parameters of the stage. `deployed`: those that it runs with, whose reservation it gives back.
    """
    declared = YAMLTemplateSerializer().load_template(API.read_text(encoding="utf-8"), API.name)["Parameters"]
    reserved, workers = (
        int(chosen.get(name, declared[name]["Default"])) for name in ("ReservedApiConcurrency", "JobsAtOnce")
    )
    limit = aws.client("lambda").get_account_settings()["AccountLimit"]
    quota, unreserved = int(limit["ConcurrentExecutions"]), int(limit["UnreservedConcurrentExecutions"])
    given_back = int(deployed.get("ReservedApiConcurrency", 0))
    most_reserved = max(unreserved + given_back - min(KEPT_UNRESERVED, quota), 0)
    if reserved > most_reserved:
        raise ShippingError(
            f"ReservedApiConcurrency is {reserved}, but of the {quota} concurrent executions of this account at most "
            f"{most_reserved} can be reserved. Change it in .chalice/stages.json. {ADVICE}"
        )
    if workers > quota // 2:
        raise ShippingError(
            f"JobsAtOnce is {workers}, but this account runs only {quota} functions at once: workers would take the "
            f"place of the API. Set it to {max(quota // 2, 2)} or less in .chalice/stages.json. {ADVICE}"
        )
