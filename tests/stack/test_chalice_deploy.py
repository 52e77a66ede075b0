"""Plain `chalice deploy` with the resource stack, on the emulated AWS."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import deploy as deploying
from scripts.local.aws import CREDENTIALS, REGION, LocalAws, without_aws
from scripts.local.scratch import scratch_directory
from scripts.shipping import project
from scripts.shipping.project import REPOSITORY
from scripts.shipping.sealing import Sealer
from scripts.shipping.target import SETTING, this_machine
from tests.stack.deployed_stage import (
    ORIGIN,
    change_settings,
)

SCHEDULED_EVENT = {
    "version": "0",
    "id": "1",
    "source": "aws.events",
    "account": "",
    "time": "",
    "region": "",
    "resources": [],
    "detail": {},
    "detail-type": "Scheduled Event",
}


@pytest.mark.soak
def test_plain_chalice_deploy_works_after_the_resource_stack(tmp_path: Path) -> None:
    """The gateway of the emulator has no routes, so the test calls the function as a gateway would."""
    copy = tmp_path / "project"
    shutil.copytree(REPOSITORY / "chalicelib", copy / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / ".chalice", copy / ".chalice", ignore=shutil.ignore_patterns("deploy*"))
    for name in ("app.py", "requirements.txt"):
        shutil.copy(REPOSITORY / name, copy)
    config_file = copy / ".chalice" / "config.json"
    # The emulator runs functions on this machine.
    project.write(project.read(config_file) | {SETTING: this_machine().architecture}, config_file)
    change_settings(config_file, EXTENSION_ORIGIN=ORIGIN)
    with scratch_directory(tmp_path) as unpacked, LocalAws(tmp_path / "aws", scratch=unpacked) as aws:
        deploying.deploy(aws, "dev", agree=lambda: True, resources_only=True, config_file=config_file, parameters={})
        sealer = Sealer(aws.client("kms"), "dev")
        change_settings(config_file, ASSEMBLYAI_API_KEY=sealer.encrypt("ASSEMBLYAI_API_KEY", "a-key-of-assemblyai"))
        policy = json.loads((copy / ".chalice" / "policy-dev.json").read_text())
        assert "Fn::" not in json.dumps(policy)

        variables = without_aws(dict(os.environ)) | CREDENTIALS
        variables |= {"AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": aws.endpoint_url}

        def run_chalice(command: str) -> str:
            args = [str(Path(sys.executable).with_name("chalice")), command, "--stage", "dev"]
            result = subprocess.run(args, cwd=copy, env=variables, capture_output=True, text=True, timeout=500)
            assert result.returncode == 0, result.stdout + result.stderr
            return result.stdout

        assert "Rest API URL" in run_chalice("deploy")

        event = {
            "resource": "/health", "path": "/health", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
            "pathParameters": None, "queryStringParameters": None, "multiValueQueryStringParameters": None,
            "stageVariables": None, "body": None, "isBase64Encoded": False,
            "requestContext": {"httpMethod": "GET", "resourcePath": "/health", "path": "/api/health", "requestId": "1"},
        }  # fmt: skip
        result = aws.client("lambda").invoke(FunctionName="live-transcription-dev", Payload=json.dumps(event).encode())
        response = json.loads(result["Payload"].read())
        assert (response["statusCode"], json.loads(response["body"])["stage"]) == (200, "dev")

        # With its role and the one policy, on a table and the queue of the resource stack. Functions that need a secret
        # cannot be tested: the emulator does not know the encryption context that the policy requires.
        event = json.dumps(SCHEDULED_EVENT).encode()
        result = aws.client("lambda").invoke(FunctionName="live-transcription-dev-daily_audit", Payload=event)
        response = json.loads(result["Payload"].read())
        assert "FunctionError" not in result, response
        assert response == {"audits_started": 1}

        run_chalice("delete")
        assert aws.client("lambda").list_functions()["Functions"] == []
