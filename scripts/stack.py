"""The deployed shape on this machine, until Ctrl-C. `ONCE=1` exits after the smoke test, with 0 if it passed."""

import os
import signal
import sys
import time

from scripts.local.deployed import DeployedStack
from scripts.local.processes import ChildError, ended_by_signals
from scripts.local.stack import StackError
from scripts.local.throttle import check_throttle
from scripts.shipping.project import ShippingError
from scripts.smoke import Smoke

READY = """
  API           {stack_url}
  AWS           {aws_endpoint_url}
  stand-ins     {sandbox_url}
  dashboard     {stack_url}/admin  (sign in as {admin_email}, password in .local/dev.json)

Functions run as on AWS, behind the gateway and with their own roles. Their logs are in the emulated CloudWatch:
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --endpoint-url {aws_endpoint_url} --region us-east-1 \\
      logs tail /live-transcription/local/APIHandler
Ctrl-C stops everything and deletes its data.
"""


def main() -> int:
    try:
        with ended_by_signals(signal.SIGTERM, signal.SIGHUP), DeployedStack() as stack:
            target, build = stack.shipment.target, stack.shipment.running_build()
            size = f"{stack.package.size_bytes / 1e6:.1f} MB"
            print(f"package: {size}, build {build}, for {target.runtime} on {target.architecture}")
            api_id = stack.shipment.application_stack.outputs()["RestAPIId"]
            print(f"gateway: {check_throttle(stack.aws.client('apigateway'), api_id)}")
            is_once = bool(os.environ.get("ONCE"))
            if not is_once:  # Otherwise these addresses are gone seconds later.
                print(READY.format(**stack.dev), flush=True)
            is_passed = Smoke(stack.api_url, stack.dev["extension_origin"], build, is_emulated=True).run()
            if is_once:
                return 0 if is_passed else 1
            while True:
                stack.check_running()
                time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        return 0
    except (ChildError, StackError, ShippingError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
