"""The deployed shape on this machine: both stacks by CloudFormation into a local AWS, the stand-ins beside it."""

import os
from pathlib import Path
from typing import Any

from scripts.local.aws import LocalAws
from scripts.local.emulated import ApiAlone, EmulatedShipment, answer_preflights
from scripts.local.processes import LOOPBACK, free_port
from scripts.local.scratch import scratch
from scripts.local.stack import ADMIN_EMAIL, EXTENSION_ORIGIN, LocalStack, read_json, write_private
from scripts.shipping import project
from scripts.shipping.package import Package
from scripts.shipping.sealing import SECRET_NAMES, Sealer
from scripts.shipping.shipment import Shipment, chosen

STAGE = "local"
OVERLAP_MS = 20_000  # A line is written when its function has ended, and dated when it began.
NO_THROTTLE = 5_000  # requests a second: what the gateway itself refuses is not what an API beside is made for


class DeployedStack(LocalStack):
    """A context manager as `LocalStack` is; the API runs as functions behind the gateway of the local AWS, its secrets
    are sealed by its KMS, and what each function may do is enforced. Nothing is kept."""

    more: dict[str, str]  # settings besides the usual ones
    aws: LocalAws
    shipment: Shipment
    package: Package

    def __init__(self, *, quiet: bool = False, more: dict[str, str] | None = None):
        super().__init__(quiet=quiet)
        self.more = more or {}
        self._apis = 1
        self._logged: set[tuple[str, int, str]] = set()
        self._logged_until: dict[str, int] = {}

    def app_settings(self, api_url: str, sandbox_url: str, kept: dict[str, str]) -> dict[str, str]:
        return super().app_settings(api_url, sandbox_url, kept) | self.more

    def _start(self) -> None:
        shown = self.directory / "dev.json"
        self._own_directory()
        kept = self._kept_secrets()
        sandbox_port = free_port()
        sandbox_url = f"http://{LOOPBACK}:{sandbox_port}"
        with self._step("starting AWS on this machine"):
            unpacked = self._stack.enter_context(scratch(self.directory))
            self.aws = LocalAws(self.directory, scratch=unpacked)
            self._children.append(self._stack.enter_context(self.aws))
        config = project.read() | {"stages": {STAGE: {"api_gateway_stage": "api", "environment_variables": {}}}}
        self.shipment = EmulatedShipment(self.aws, STAGE, config, chosen(STAGE), self.directory / "build")
        self.shipment.settings["EXTENSION_ORIGIN"] = os.environ.get("EXTENSION_ORIGIN", EXTENSION_ORIGIN)
        with self._step("deploying the resource stack"):
            self._carry_out(self.shipment.plan_resources())
            made = self.shipment.resource_stack.outputs()
        # Before there is a gateway nobody knows its address: the first deployment goes without, the second adds it.
        unknown = self._settings("https://unknown.invalid", sandbox_url, kept, made)
        self.shipment.settings.update(unknown)
        with self._step("packaging"):
            self.package = self.shipment.pack()
        with self._step("deploying the application stack"):
            self._deploy(self.shipment)
            api_url = self._gateway_url(self.shipment)
        with self._step("starting the providers' stand-ins"):
            self._start_sandbox(sandbox_port, api_url, kept)
        with self._step("deploying again, with the gateway's address among the settings"):
            self.shipment.settings.update(self._settings(api_url, sandbox_url, kept, made))
            self.package = self.shipment.pack()
            self._deploy(self.shipment)
        self.aws.ensure_admin(made["UserPoolId"], ADMIN_EMAIL, kept["admin_password"])
        # As `LocalStack` has them, in plain text: for what runs beside the functions, on the same tables.
        self.settings = self.aws.settings_of(made) | self.app_settings(api_url, sandbox_url, kept)
        self.dev = {
            "api_url": api_url,
            "stack_url": api_url,
            "aws_endpoint_url": self.aws.endpoint_url,
            "sandbox_url": sandbox_url,
            "stripe_api_base": self.settings["STRIPE_API_BASE"],
            "assemblyai_base_url": sandbox_url,
            "openai_base_url": self.settings["OPENAI_BASE_URL"],
            "admin_email": ADMIN_EMAIL,
            "admin_password": kept["admin_password"],
            "extension_origin": self.settings["EXTENSION_ORIGIN"],
            "stripe_webhook_secret": kept["stripe_webhook_secret"],
        }
        if not self._quiet:  # A test's stack is nobody's to find.
            before = read_json(shown)
            write_private(shown, self.dev)
            self._stack.callback(lambda: write_private(shown, before) if before else shown.unlink(missing_ok=True))

    def deploy(self, **changes: str) -> Any:
        """Deploy with these settings changed; answers the plan that was carried out, None where nothing changed."""
        self.shipment.settings.update(changes)
        self.package = self.shipment.pack()
        return self._deploy(self.shipment)

    def api_beside(self, requests_at_once: int = NO_THROTTLE, **changes: str) -> str:
        """The URL of one more API on the same tables, with these settings changed: gateway, function and role alone.

        `requests_at_once`: what its gateway takes on each route, and again in each second.
        """
        self._apis += 1
        usual = self.shipment
        throttle = dict.fromkeys(("RequestsPerSecond", "RequestsAtOnce"), str(requests_at_once))
        parameters = usual.parameters | throttle
        alone = ApiAlone(
            usual.aws, STAGE, usual.config, parameters, usual.build_directory, number=self._apis, changes=changes
        )
        self._deploy(alone)
        return self._gateway_url(alone)

    def denied(self) -> list[str]:
        """What functions asked for and their roles refused them, as the AWS of this machine wrote it down."""
        log = (self.directory / "aws.log").read_text(encoding="utf-8", errors="replace")
        return [line for line in log.splitlines() if "is not authorized to perform" in line]

    def gather_logs(self) -> Path:
        """What the functions wrote, from CloudWatch's copy; what is new goes to the end."""
        logs, written = self.aws.client("logs"), super().gather_logs()
        new = []
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/{project.APP_NAME}/")["logGroups"]:
            name = group["logGroupName"]
            # The emulator answers with the oldest ten thousand and no way to go on.
            since = max(self._logged_until.get(name, 0) - OVERLAP_MS, 0)
            for event in logs.filter_log_events(logGroupName=name, startTime=since)["events"]:
                self._logged_until[name] = max(self._logged_until.get(name, 0), event["timestamp"])
                line = (event["logStreamName"], event["timestamp"], event["message"])
                if line not in self._logged:
                    self._logged.add(line)
                    new.append(event["message"].rstrip("\n") + "\n")
        with written.open("a", encoding="utf-8") as file:
            file.writelines(new)
        return written

    def _settings(self, api_url: str, sandbox_url: str, kept: dict[str, str], made: dict[str, str]) -> dict[str, str]:
        """What the functions are given, their secrets sealed; one that was sealed before stays as it is."""
        settings = self.app_settings(api_url, sandbox_url, kept) | {
            # The emulated gateway's answers come from an address whose scheme and name are not those of a real one.
            "OWN_ORIGINS": f"{self.aws.endpoint_url},{self.aws.endpoint_url.replace(LOOPBACK, 'localhost')}",
            "COGNITO_JWKS_URL": f"{self.aws.endpoint_url}/{made['UserPoolId']}/.well-known/jwks.json",
            "COGNITO_CLIENT_SECRET": self.aws.client_secret(made["UserPoolId"], made["UserPoolClientId"]),
        }
        sealer, before = Sealer(self.aws.client("kms"), STAGE), self.shipment.settings
        sealed = {name: before.get(name) or sealer.encrypt(name, settings[name]) for name in SECRET_NAMES}
        return settings | sealed

    def _deploy(self, shipment: Shipment) -> Any:
        """The plan that was carried out, None where nothing changes."""
        plan = shipment.plan_application(self.package)
        if plan:
            self._carry_out(plan)
            api_id = shipment.application_stack.outputs()["RestAPIId"]
            answer_preflights(self.aws.client("apigateway"), api_id, shipment.whole_template(self.package))
        return plan

    def _gateway_url(self, shipment: Shipment) -> str:
        """By path: the host names of its APIs are known to few resolvers."""
        api_id = shipment.application_stack.outputs()["RestAPIId"]
        return f"{self.aws.endpoint_url}/_aws/execute-api/{api_id}/api"

    def _carry_out(self, plan: Any) -> None:
        if plan:
            plan.apply(timeout_seconds=300)
