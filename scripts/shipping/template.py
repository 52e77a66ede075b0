"""The template of the application stack: `chalice package`, `.chalice/api.yaml` and generated resources."""

import copy
from typing import Any

from chalice.package import TemplateDeepMerger, YAMLTemplateSerializer

from chalicelib.settings.schema import split_origins
from scripts.shipping.access import ROLE_OF, roles_and_logs
from scripts.shipping.alarms import RELEASE_ALARMS, alarms_and_dashboard
from scripts.shipping.answers import gateway_response_resources, gateway_responses
from scripts.shipping.project import REPOSITORY

API = REPOSITORY / ".chalice" / "api.yaml"
CACHED_SECONDS = {"/credits/packages": 300, "/openapi.json": 300}  # public, and the same for all callers
# Errors and responses without a body are cached too, so the key has every header that decides about them.
CACHE_KEYS = ("Origin", "Sec-Fetch-Mode", "Sec-Fetch-Site", "If-None-Match")
# What runs is a published version behind an alias, so that a release can go back to the one before. A changed setting
# is a new version too. Source: AWS SAM developer guide, `AutoPublishAlias`, `AutoPublishAliasAllProperties`.
PUBLISHED = {"AutoPublishAlias": "live", "AutoPublishAliasAllProperties": True}
# A trace of a timer or of the stream says little, and each is billed: X-Ray samples one request a second at least.
TRACED_ROLES = ("Api", "Work")
# Requests reach a new version by CodeDeploy: a tenth of them for five minutes, then all. An alarm or a stop by hand
# moves the alias back; the stack's update fails, and CloudFormation takes everything else back. The other functions
# change at once, because they must understand jobs and records of both versions; their alarms count here all the same.
# Source: AWS SAM developer guide, "Deploying serverless applications gradually".
CANARY = {
    "Enabled": {"Ref": "CanaryDeployment"},
    "Type": "Canary10Percent5Minutes",
    "Alarms": [{"Ref": f"{name}Alarm"} for name in RELEASE_ALARMS],
}
CANARY_FOR = "APIHandler"
Template = dict[str, Any]


def complete_template(packaged: Template, has_budget: bool = False) -> Template:
    """The whole template. Raises ShippingError for a function without a role."""
    api: Template = YAMLTemplateSerializer().load_template(API.read_text(encoding="utf-8"), API.name)
    if not has_budget:  # AWS refuses a template with a type that a region does not have, also behind a condition.
        del api["Resources"]["Budget"], api["Parameters"]["MonthlyBudgetDollars"]
    functions = [
        name for name, resource in packaged["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"
    ]
    definition = packaged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    responses = gateway_responses(cors_headers(definition))
    preflight = preflight_definition(allowed_origins(packaged))
    merge = TemplateDeepMerger().merge
    generated: Template = {
        **merge(
            roles_and_logs(sorted(functions)),
            {name: _publication(name) for name in functions},
        ),
        **alarms_and_dashboard(),
        **gateway_response_resources(responses),
        "RestAPI": {
            "Properties": {
                "MethodSettings": method_settings(definition),
                "DefinitionBody": {
                    "x-amazon-apigateway-gateway-responses": responses,
                    "paths": {
                        path: ({"options": preflight} if "options" in methods else {})
                        | ({"get": _cache_key_definition()} if path in CACHED_SECONDS else {})
                        for path, methods in definition["paths"].items()
                    },
                },
            }
        },
    }
    merged: Template = merge(api, merge({"Resources": generated}, _through_alias(_without_code(packaged))))
    for name, output in merged["Outputs"].items():
        output.setdefault("Description", name)
    return merged


def _publication(function: str) -> Template:
    """How a function is published and traced.

    A version is deleted once the next one runs: a rollback takes the package from its bucket, and the versions of five
    hundred deployments would fill the 75 GB that an account has for code. Versions inherit the policy of the function.
    """
    preference = {"DeploymentPreference": CANARY} if function == CANARY_FOR else {}
    tracing = {} if ROLE_OF[function] in TRACED_ROLES else {"Tracing": "PassThrough"}
    return {"DeletionPolicy": "Delete", "Properties": PUBLISHED | preference | tracing}


def allowed_origins(packaged: Template) -> tuple[str, ...]:
    """The origins that the settings of the stage allow."""
    variables = packaged["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    return split_origins(variables.get("EXTENSION_ORIGIN", ""), variables.get("OWN_ORIGINS", ""))


def preflight_definition(origins: tuple[str, ...]) -> dict[str, Any]:
    """What makes the gateway answer a preflight of each allowed origin by its own name; others get the first one.

    The template runs in the gateway, on each preflight, without a function. Header names are as the client wrote them:
    `Origin` over HTTP/1.1, `origin` over HTTP/2. Source: API Gateway developer guide, "Override your API's request and
    response parameters and status codes for REST APIs".
    """
    is_allowed = " || ".join(f'$origin == "{origin}"' for origin in origins) or "false"
    template = (
        '#set($origin = $input.params("Origin"))'
        '#if(!$origin || $origin == "")#set($origin = $input.params("origin"))#end'
        f"#if({is_allowed})#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)#end"
    )
    return {
        "responses": {"200": {"headers": {"Vary": {"type": "string"}}}},
        "x-amazon-apigateway-integration": {
            "responses": {
                "default": {
                    "responseParameters": {"method.response.header.Vary": "'Origin'"},
                    "responseTemplates": {"application/json": template},
                }
            }
        },
    }


def cors_headers(definition: Template) -> dict[str, str]:
    """The CORS headers of the routes that are the same for all origins, from their responses to OPTIONS."""
    method = next(methods["options"] for methods in definition["paths"].values() if "options" in methods)
    parameters = method["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
    prefix = "method.response.header."
    headers = {name.removeprefix(prefix): value.strip("'") for name, value in parameters.items()}
    return {name: value for name, value in headers.items() if name.endswith("Expose-Headers")}


def _through_alias(template: Template) -> Template:
    """The template whose gateway invokes the alias of the API's function, not its newest code.

    Events of the other functions invoke the alias by SAM's own rule.
    """
    alias = {"Ref": "APIHandler.Alias"}
    template = copy.deepcopy(template)
    resources = template["Resources"]
    for methods in resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"].values():
        for details in methods.values():
            integration = details["x-amazon-apigateway-integration"]
            if "uri" in integration:
                uri = integration["uri"]["Fn::Sub"].replace("${APIHandler.Arn}", "${Alias}")
                integration["uri"] = {"Fn::Sub": [uri, {"Alias": alias}]}
    resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] = alias
    return template


def method_settings(definition: Template) -> list[dict[str, Any]]:
    """Throttling of all routes, and caching of the routes with the same response for all callers."""
    throttling = {
        "ThrottlingRateLimit": {"Ref": "RequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "RequestsAtOnce"},
        "DataTraceEnabled": False,  # Otherwise bodies and tokens are logged.
    }
    all_routes = {"ResourcePath": "/*", "HttpMethod": "*", "CachingEnabled": False, **throttling}
    cached = [
        {
            "ResourcePath": "/" + path.replace("/", "~1"),
            "HttpMethod": "GET",
            "CachingEnabled": {"Fn::If": ["HasCache", True, False]},
            "CacheTtlInSeconds": seconds,
            "CacheDataEncrypted": True,
            **throttling,
        }
        for path, seconds in CACHED_SECONDS.items()
        if path in definition["paths"]
    ]
    return [all_routes, *cached]


def _cache_key_definition() -> dict[str, Any]:
    """The headers in the cache key, besides the path."""
    return {
        "parameters": [{"name": name, "in": "header", "required": False, "type": "string"} for name in CACHE_KEYS],
        "x-amazon-apigateway-integration": {
            "cacheKeyParameters": [f"method.request.header.{name}" for name in CACHE_KEYS]
        },
    }


def _without_code(packaged: Template) -> Template:
    """The template without the location of the code, which is set once for all functions."""
    resources = {}
    for name, resource in packaged["Resources"].items():
        properties = {key: value for key, value in resource["Properties"].items() if key not in ("CodeUri", "Tracing")}
        resources[name] = resource | {"Properties": properties}
    return packaged | {"Resources": resources}
