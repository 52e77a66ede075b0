"""The deployed shape on this machine: both CloudFormation stacks in the emulated AWS, and the providers' stand-ins."""

from pathlib import Path
from typing import Any

from chalicelib.settings.provider_registry import split_list
from scripts.local.aws import LocalAws
from scripts.local.emulated import AdditionalApi, EmulatedShipment, add_preflight_responses
from scripts.local.processes import LOOPBACK
from scripts.local.scratch import scratch_directory
from scripts.local.stack import ADMIN_EMAIL, LocalStack, extension_origins, read_json, write_private
from scripts.shipping import project
from scripts.shipping.package import Package
from scripts.shipping.sealing import SECRET_NAMES, Sealer
from scripts.shipping.shipment import Shipment, chosen_parameters

STAGE = "local"
OVERLAP_MS = 20_000  # A line is written when its function ends, with the time when it started.
NO_THROTTLE = 5_000  # requests per second: tests of additional APIs are not about the throttling of the gateway
UNKNOWN_ADDRESS = "https://unknown.invalid"


class DeployedStack(LocalStack):
    """A context manager like `LocalStack`, with the API as functions behind the gateway of the emulated AWS.

    Its secrets are encrypted by KMS and the roles of its functions are enforced. No state is kept.
    """

    extra_settings: dict[str, str]  # in addition to the default ones
    aws: LocalAws
    shipment: Shipment
    package: Package

    def __init__(self, *, quiet: bool = False, extra_settings: dict[str, str] | None = None):
        super().__init__(quiet=quiet)
        self.extra_settings = extra_settings or {}
        self._apis = 1
        self._logged: set[tuple[str, int, str]] = set()
        self._logged_until: dict[str, int] = {}

    def app_settings(self, api_url: str, sandbox_url: str, stored_secrets: dict[str, str]) -> dict[str, str]:
        return super().app_settings(api_url, sandbox_url, stored_secrets) | self.extra_settings

    def _start(self) -> None:
        public_file = self.directory / "dev.json"
        self._lock_or_create_directory()
        stored_secrets = self._load_or_create_secrets()
        with self._step("starting the emulated AWS"):
            unpacked = self._stack.enter_context(scratch_directory(self.directory))
            self.aws = LocalAws(self.directory, scratch=unpacked)
            self._children.append(self._stack.enter_context(self.aws))
        config = project.read() | {"stages": {STAGE: {"api_gateway_stage": "api", "environment_variables": {}}}}
        self.shipment = EmulatedShipment(self.aws, STAGE, config, chosen_parameters(STAGE), self.directory / "build")
        self.shipment.settings["EXTENSION_ORIGIN"] = extension_origins()
        with self._step("deploying the resource stack"):
            self._apply(self.shipment.plan_resources())
            outputs = self.shipment.resource_stack.outputs()
        # The gateway's address is known once it is deployed: the second deployment adds it.
        self.shipment.settings.update(self._settings(UNKNOWN_ADDRESS, UNKNOWN_ADDRESS, stored_secrets, outputs))
        with self._step("packaging"):
            self.package = self.shipment.pack()
        with self._step("deploying the application stack"):
            self._deploy(self.shipment)
            api_url = self._gateway_url(self.shipment)
        with self._step("starting the providers' stand-ins"):
            sandbox_url = self._start_sandbox(api_url, stored_secrets)
        with self._step("deploying again, with the addresses of the gateway and the stand-ins"):
            self.shipment.settings.update(self._settings(api_url, sandbox_url, stored_secrets, outputs))
            self.package = self.shipment.pack()
            self._deploy(self.shipment)
        self.aws.ensure_admin(outputs["UserPoolId"], ADMIN_EMAIL, stored_secrets["admin_password"])
        # In plain text as in `LocalStack`, for processes that use the same tables without being functions.
        self.settings = self.aws.settings_of(outputs) | self.app_settings(api_url, sandbox_url, stored_secrets)
        self.dev = {
            "api_url": api_url,
            "stack_url": api_url,
            "aws_endpoint_url": self.aws.endpoint_url,
            "sandbox_url": sandbox_url,
            "stripe_api_base": self.settings["STRIPE_API_BASE"],
            "assemblyai_base_url": sandbox_url,
            "openai_base_url": self.settings["OPENAI_BASE_URL"],
            "admin_email": ADMIN_EMAIL,
            "admin_password": stored_secrets["admin_password"],
            "extension_origin": split_list(self.settings["EXTENSION_ORIGIN"])[0],
            "extension_origins": self.settings["EXTENSION_ORIGIN"],
            "stripe_webhook_secret": stored_secrets["stripe_webhook_secret"],
        }
        if not self._quiet:  # Only tests use a quiet stack.
            previous = read_json(public_file)
            write_private(public_file, self.dev)
            self._stack.callback(
                lambda: write_private(public_file, previous) if previous else public_file.unlink(missing_ok=True)
            )

    def deploy(self, **changes: str) -> Any:
        """Deploy with these settings changed. Returns the plan that was applied, None if nothing changed."""
        self.shipment.settings.update(changes)
        self.package = self.shipment.pack()
        return self._deploy(self.shipment)

    def deploy_additional_api(self, requests_at_once: int = NO_THROTTLE, **changes: str) -> str:
        """The URL of one more API on the same tables, with these settings changed: a gateway, a function and a role.

        `requests_at_once`: the burst limit of its gateway for each route, and the limit per second.
        """
        self._apis += 1
        shipment = self.shipment
        throttle = dict.fromkeys(("RequestsPerSecond", "RequestsAtOnce"), str(requests_at_once))
        parameters = shipment.parameters | throttle
        additional = AdditionalApi(
            shipment.aws,
            STAGE,
            shipment.config,
            parameters,
            shipment.build_directory,
            number=self._apis,
            changes=changes,
        )
        self._deploy(additional)
        return self._gateway_url(additional)

    def denied_calls(self) -> list[str]:
        """Log lines of the emulated AWS about calls that the roles of the functions do not allow."""
        log = (self.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        return [line for line in log.splitlines() if "is not authorized to perform" in line]

    def gather_logs(self) -> Path:
        """The file with the log lines of all functions; new lines from CloudWatch are appended first."""
        logs, file_path = self.aws.client("logs"), super().gather_logs()
        new = []
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/{project.APP_NAME}/")["logGroups"]:
            name = group["logGroupName"]
            # The emulator returns the oldest ten thousand events and no token for the next page.
            since = max(self._logged_until.get(name, 0) - OVERLAP_MS, 0)
            for event in logs.filter_log_events(logGroupName=name, startTime=since)["events"]:
                self._logged_until[name] = max(self._logged_until.get(name, 0), event["timestamp"])
                line = (event["logStreamName"], event["timestamp"], event["message"])
                if line not in self._logged:
                    self._logged.add(line)
                    new.append(event["message"].rstrip("\n") + "\n")
        with file_path.open("a", encoding="utf-8") as file:
            file.writelines(new)
        return file_path

    def _settings(
        self, api_url: str, sandbox_url: str, stored_secrets: dict[str, str], outputs: dict[str, str]
    ) -> dict[str, str]:
        """The environment of the functions, secrets encrypted; a ciphertext from before is kept."""
        settings = self.app_settings(api_url, sandbox_url, stored_secrets) | {
            # The addresses of the emulated gateway differ from those of a real one in scheme and host name.
            "OWN_ORIGINS": f"{self.aws.endpoint_url},{self.aws.endpoint_url.replace(LOOPBACK, 'localhost')}",
            "COGNITO_JWKS_URL": f"{self.aws.endpoint_url}/{outputs['UserPoolId']}/.well-known/jwks.json",
            "COGNITO_CLIENT_SECRET": self.aws.client_secret(outputs["UserPoolId"], outputs["UserPoolClientId"]),
        }
        sealer, previous = Sealer(self.aws.client("kms"), STAGE), self.shipment.settings
        sealed = {name: previous.get(name) or sealer.encrypt(name, settings[name]) for name in SECRET_NAMES}
        return settings | sealed

    def _deploy(self, shipment: Shipment) -> Any:
        """The plan that was applied, None if nothing changes."""
        plan = shipment.plan_application(shipment.store(self.package))
        if plan:
            self._apply(plan)
            api_id = shipment.application_stack.outputs()["RestAPIId"]
            add_preflight_responses(self.aws.client("apigateway"), api_id, shipment.whole_template(self.package))
        return plan

    def _gateway_url(self, shipment: Shipment) -> str:
        """The address by path: few resolvers know the host names of the emulated APIs."""
        api_id = shipment.application_stack.outputs()["RestAPIId"]
        return f"{self.aws.endpoint_url}/_aws/execute-api/{api_id}/api"

    def _apply(self, plan: Any) -> None:
        if plan:
            plan.apply(timeout_seconds=300)
