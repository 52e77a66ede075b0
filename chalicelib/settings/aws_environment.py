"""What the environment says about calls to AWS, as far as a call without the AWS SDK follows it."""

import os
from urllib.parse import quote

from .schema import aws_domain

# Variables that change how the SDK calls AWS in a way that only the SDK knows.
SDK_ONLY = (
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "HTTPS_PROXY",
    "https_proxy",
)


def is_sdk_needed() -> bool:
    """Whether the environment asks for something that only the SDK can do, such as a proxy."""
    return any(os.environ.get(name) for name in SDK_ONLY)


def endpoint_url(service: str, region: str) -> str:
    """The address of a service, such as `dynamodb`: that of the environment, or AWS's own in the region."""
    configured = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}")
    configured = configured or os.environ.get("AWS_ENDPOINT_URL")
    return configured or f"https://{service}.{region}.{aws_domain(region)}"


def access_key() -> tuple[str, str, str] | None:
    """Key id, secret key and token of the environment, as Lambda sets them for the life of a process; or None."""
    key_id, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret_key:
        return None
    return key_id, secret_key, os.environ.get("AWS_SESSION_TOKEN", "")


def ca_bundle() -> str | None:
    """A file of certificates that the environment names."""
    return os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")


def trace_id() -> str:
    """The trace of the running invocation on Lambda, by which AWS stops functions that call each other without end."""
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return ""
    return quote(os.environ.get("_X_AMZN_TRACE_ID", ""), safe="-=;:+&[]{}\"',")
