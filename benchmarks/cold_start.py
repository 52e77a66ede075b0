"""Cold start: the import of the app and its first request, compared with chalice and boto3 alone."""

import compileall
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.rounds import alternate
from scripts.local.stack import LocalStack

REPOSITORY = Path(__file__).parent.parent
IMPORT_BUDGET, FIRST_REQUEST_BUDGET = 1.0, 1.25

START = "import time, json, sys; started = time.perf_counter()\n"
END = "\nprint(json.dumps(time.perf_counter() - started), file=sys.stderr)"
FLOOR = "import chalice, boto3; client = boto3.client('dynamodb', region_name='us-east-1')"
APP_IMPORT = "import app"
# The floor of a first request: the same imports, client and two calls (rate limit, read), without the app.
FLOOR_REQUEST = (
    FLOOR
    + """
import os
key = {'pk': {'S': 'USER#x'}, 'sk': {'S': 'BALANCE'}}
change = {'UpdateExpression': 'SET tat_us = :now', 'ExpressionAttributeValues': {':now': {'N': '1'}}}
client.update_item(TableName=os.environ['APP_TABLE'], Key=key, **change)
client.get_item(TableName=os.environ['LEDGER_TABLE'], Key=key, ConsistentRead=True)
"""
)
APP_REQUEST = """
import os
import app
event = json.loads(os.environ['EVENT'])
response = app.app(event, type('Context', (), {'aws_request_id': 'x'})())
assert response['statusCode'] == 200, response
"""


def main() -> None:
    """Print both ratios."""
    compileall.compile_dir(REPOSITORY / "chalicelib", quiet=1)  # As pip does for the packages of the floor.
    compileall.compile_file(REPOSITORY / "app.py", quiet=1)
    with LocalStack(quiet=True) as stack:
        environment = os.environ | stack.settings
        imported = alternate(lambda: _run(FLOOR, environment), lambda: _run(APP_IMPORT, environment))
        imported.report("import of app.py", IMPORT_BUDGET)
        with_event = environment | {"EVENT": json.dumps(_event(stack))}
        keys = _packaged_keys(stack)
        try:
            first = alternate(lambda: _run(FLOOR_REQUEST, with_event), lambda: _run(APP_REQUEST, with_event))
        finally:
            keys.unlink()
        first.report("first GET /credits/balance of a process", FIRST_REQUEST_BUDGET)


def _run(code: str, environment: dict[str, str]) -> float:
    """The seconds that `code` takes in a new interpreter, without the start of the interpreter."""
    result = subprocess.run(  # noqa: S603 - interpreter and code are ours
        [sys.executable, "-c", START + code + END], env=environment, cwd=REPOSITORY, capture_output=True, text=True
    )
    if result.returncode:
        raise RuntimeError(result.stderr)
    return float(json.loads(result.stderr.strip().split("\n")[-1]))


def _packaged_keys(stack: LocalStack) -> Path:
    """Write the keys of the user pool to their place in a deployed package, so that no fetch is measured."""
    import requests

    path = REPOSITORY / "chalicelib" / "jwks" / f"{stack.settings['COGNITO_USER_POOL_ID']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(requests.get(stack.settings["COGNITO_JWKS_URL"], timeout=5).text)
    return path


def _event(stack: LocalStack) -> dict[str, object]:
    """The event of API Gateway for GET /credits/balance of a signed-in user."""
    import requests

    body = {"email": "bench@example.com", "password": "correct horse battery"}
    token = requests.post(f"{stack.api_url}/auth/register", json=body, timeout=10).json()["token"]
    return {
        "requestContext": {"httpMethod": "GET", "resourcePath": "/credits/balance", "requestId": "x", "identity": {}},
        "headers": {"authorization": f"Bearer {token}"},
        "multiValueQueryStringParameters": None,
        "pathParameters": {},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
