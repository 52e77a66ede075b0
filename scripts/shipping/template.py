"""The application stack's template: what `chalice package` made of app.py, under `.chalice/api.yaml` and our tables."""

from typing import Any

from chalice.package import TemplateDeepMerger, YAMLTemplateSerializer

from scripts.shipping.access import roles_and_logs
from scripts.shipping.alarms import alarms_and_dashboard
from scripts.shipping.answers import gateway_response_resources, gateway_responses
from scripts.shipping.project import REPOSITORY

API = REPOSITORY / ".chalice" / "api.yaml"
CACHED_SECONDS = {"/credits/packages": 300, "/openapi.json": 300}  # public, and the same for everybody
# Refusals are kept too, and answers without content: so whatever the app looks at before is in the key.
CACHE_KEYS = ("Origin", "Sec-Fetch-Mode", "Sec-Fetch-Site", "If-None-Match")
Template = dict[str, Any]


def complete(packaged: Template) -> Template:
    """The whole template. Raises ShippingError where a function has no role."""
    written: Template = YAMLTemplateSerializer().load_template(API.read_text(encoding="utf-8"), API.name)
    functions = [name for name, one in packaged["Resources"].items() if one["Type"] == "AWS::Serverless::Function"]
    definition = packaged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    answers = gateway_responses(cors_headers(definition))
    generated: Template = {
        **roles_and_logs(sorted(functions)),
        **alarms_and_dashboard(),
        **gateway_response_resources(answers),
        "RestAPI": {
            "Properties": {
                "MethodSettings": method_settings(definition),
                "DefinitionBody": {
                    "x-amazon-apigateway-gateway-responses": answers,
                    "paths": {path: {"get": _keyed()} for path in CACHED_SECONDS if path in definition["paths"]},
                },
            }
        },
    }
    merge = TemplateDeepMerger().merge
    merged: Template = merge(written, merge({"Resources": generated}, _without_code(packaged)))
    for name, output in merged["Outputs"].items():
        output.setdefault("Description", name)
    return merged


def cors_headers(definition: Template) -> dict[str, str]:
    """What the routes allow a browser, as they themselves say it in answer to OPTIONS."""
    asked = next(methods["options"] for methods in definition["paths"].values() if "options" in methods)
    said = asked["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
    prefix = "method.response.header."
    headers = {name.removeprefix(prefix): value.strip("'") for name, value in said.items()}
    return {name: value for name, value in headers.items() if name.endswith(("Allow-Origin", "Expose-Headers"))}


def method_settings(definition: Template) -> list[dict[str, Any]]:
    """Throttling for all routes, and caching for those few that say the same to everybody."""
    throttled = {
        "ThrottlingRateLimit": {"Ref": "RequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "RequestsAtOnce"},
        "DataTraceEnabled": False,  # It would log bodies and tokens.
    }
    everything = {"ResourcePath": "/*", "HttpMethod": "*", "CachingEnabled": False, **throttled}
    cached = [
        {
            "ResourcePath": "/" + path.replace("/", "~1"),
            "HttpMethod": "GET",
            "CachingEnabled": {"Fn::If": ["HasCache", True, False]},
            "CacheTtlInSeconds": seconds,
            "CacheDataEncrypted": True,
            **throttled,
        }
        for path, seconds in CACHED_SECONDS.items()
        if path in definition["paths"]
    ]
    return [everything, *cached]


def _keyed() -> dict[str, Any]:
    """What a cached answer is found by, besides its path."""
    return {
        "parameters": [{"name": name, "in": "header", "required": False, "type": "string"} for name in CACHE_KEYS],
        "x-amazon-apigateway-integration": {
            "cacheKeyParameters": [f"method.request.header.{name}" for name in CACHE_KEYS]
        },
    }


def _without_code(packaged: Template) -> Template:
    """Where the code lies is said once, for all functions."""
    resources = {}
    for name, one in packaged["Resources"].items():
        properties = {key: value for key, value in one["Properties"].items() if key not in ("CodeUri", "Tracing")}
        resources[name] = one | {"Properties": properties}
    return packaged | {"Resources": resources}
