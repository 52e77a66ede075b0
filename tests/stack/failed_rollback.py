"""A stack whose rollback failed, because the package to go back to was deleted from its bucket."""

import io
import json
import zipfile
from typing import Any

import pytest

from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import ShippingError

NAME = "live-transcription-rollback"


def _zip(line: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr("code.py", f"def run(event, context): return {line!r}\n")
    return content.getvalue()


def _template(first: str, second: str) -> dict[str, str]:
    """Two functions with these packages; the second one is changed after the first one."""
    resources = {
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": f"{NAME}-{name}",
                "Runtime": "python3.13",
                "Handler": "code.run",
                "Role": "arn:aws:iam::000000000000:role/any",
                "Code": {"S3Bucket": NAME, "S3Key": key},
            },
        }
        for name, key in (("First", first), ("Second", second))
    }
    return {
        "TemplateBody": json.dumps({"Resources": resources | {"Second": resources["Second"] | {"DependsOn": "First"}}})
    }


def check_failed_rollback(aws: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A deployment continues the rollback; where it fails again, it says what to repair."""
    stack, s3 = Stack(aws.client("cloudformation"), NAME), aws.client("s3")

    def deploy(first: str, second: str = "one.zip") -> None:
        plan = stack.plan(_template(first, second), {})
        assert plan is not None
        plan.apply()

    s3.create_bucket(Bucket=NAME)
    for key in ("one.zip", "two.zip"):
        s3.put_object(Bucket=NAME, Key=key, Body=_zip(key))
    deploy("one.zip")
    s3.delete_object(Bucket=NAME, Key="one.zip")
    with pytest.raises(ShippingError, match="is UPDATE_ROLLBACK_FAILED"):
        deploy("two.zip", "missing.zip")
    with pytest.raises(ShippingError) as caught:
        deploy("two.zip")
    for part in ("AWS accepts no update of it", "First: ", "docs/runbooks.md, A rollback that failed"):
        assert part in str(caught.value)

    s3.put_object(Bucket=NAME, Key="one.zip", Body=_zip("one.zip"))  # the repair
    capsys.readouterr()
    deploy("two.zip")
    assert "continuing its rollback" in capsys.readouterr().out
    assert stack.state() == "UPDATE_COMPLETE"
    stack.delete()
    for key in ("one.zip", "two.zip"):
        s3.delete_object(Bucket=NAME, Key=key)
    s3.delete_bucket(Bucket=NAME)
