"""The DynamoDB engines that tests run on: ministack, in this process or as a server, and Amazon's DynamoDB Local."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config

from chalicelib.repositories.table import Tables
from scripts.local.processes import LOOPBACK
from tests.in_process_dynamodb import InProcessDynamoDB, InProcessStreams, use_in_process_engine

RESOURCES = Path(__file__).parent.parent / ".chalice" / "resources.yaml"
SERVERS = ("ministack", "dynamodb_local")
IN_PROCESS = "in_process"
# Use cases run on the engine in this process, and with `make soak` on Amazon's too.
USE_CASE_ENGINES = (IN_PROCESS, "dynamodb_local") if os.environ.get("SOAK") else (IN_PROCESS,)
# Of tests that are otherwise on both servers: what the engine makes no difference to, and takes many requests.
on_use_case_engines = pytest.mark.parametrize("engine", USE_CASE_ENGINES, indirect=True)
TABLE_SETTINGS = ("KeySchema", "AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes")


@dataclass(frozen=True)
class Engine:
    """A DynamoDB in which each test has its own tables. `endpoint_url`: of its server; empty in this process."""

    name: str
    endpoint_url: str = ""

    @property
    def is_in_process(self) -> bool:
        return not self.endpoint_url

    @cached_property
    def client(self) -> Any:
        return InProcessDynamoDB() if self.is_in_process else self.new_client()

    def streams(self) -> Any:
        """A client of the streams of its tables."""
        return InProcessStreams() if self.is_in_process else _boto3_client("dynamodbstreams", self.endpoint_url)

    def new_client(self, attempts: int = 3) -> Any:
        """Another client of botocore; `attempts` are the SDK's for one call."""
        if not self.is_in_process:
            return client(self.endpoint_url, attempts)
        made = client(f"http://{LOOPBACK}", attempts)
        use_in_process_engine(made)
        return made

    @contextmanager
    def tables(self, *, with_stream: bool = False) -> Iterator[tuple[str, str]]:
        """The names of a new ledger and app table as in the template; the ledger has a stream if requested."""
        names = {kind: f"{kind.lower()}-{secrets.token_hex(6)}" for kind in ("Ledger", "App")}
        for kind, name in names.items():
            properties = resource(kind)
            table_settings = {key: properties[key] for key in TABLE_SETTINGS if key in properties}
            if with_stream and "StreamSpecification" in properties:
                table_settings["StreamSpecification"] = properties["StreamSpecification"] | {"StreamEnabled": True}
            self.client.create_table(TableName=name, **table_settings)
        try:
            yield names["Ledger"], names["App"]
        finally:
            for name in names.values():
                self.client.delete_table(TableName=name)


def requested_engine(request: pytest.FixtureRequest) -> Engine:
    """The engine that a fixture is parametrised with, running."""
    if request.param == IN_PROCESS:
        return Engine(IN_PROCESS)
    return Engine(request.param, request.getfixturevalue(request.param).endpoint_url)


def client(endpoint_url: str, attempts: int = 3) -> Any:
    """A DynamoDB client as the app makes it, for an engine on this machine; `attempts` are the SDK's for one call."""
    return _boto3_client("dynamodb", endpoint_url, attempts)


def _boto3_client(service: str, endpoint_url: str, attempts: int = 3) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            connect_timeout=60,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=40,
        ),
    )


def tables(engine: Engine, names: tuple[str, str]) -> Tables:
    return Tables(engine.client, *names)


def resource(name: str) -> dict[str, Any]:
    """The properties of a resource in the template."""
    return dict(_template()["Resources"][name]["Properties"])


class _TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as plain values."""


_TemplateLoader.add_multi_constructor(
    "!", lambda loader, _, node: loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None
)


@cache
def _template() -> dict[str, Any]:
    return yaml.load(RESOURCES.read_text(), Loader=_TemplateLoader)
