"""Generate a month of activity in the stack of `make run`, to fill the dashboard: `make seed`.

The real use cases run with a simulated clock and simulated providers. USERS= sets the number of users, SEED= the month.
"""

import os
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.table import Tables
from scripts.crowd.month import DAYS, Month
from scripts.crowd.services import Services
from scripts.local.pause import paused_schedules
from scripts.local.processes import url_answers
from scripts.local.stack import read_json
from scripts.price_page import default_version

LOCAL = Path(__file__).parent.parent / ".local"
FIRST_NAMES = ("ada", "grace", "alan", "edsger", "barbara", "donald", "radia", "ken", "frances", "niklaus", "margaret")
LAST_NAMES = ("lovelace", "hopper", "turing", "dijkstra", "liskov", "knuth", "perlman", "thompson", "allen", "wirth")
DEFAULT_USERS = "2000"
CHECKED_USERS = 200  # whose balances are compared with their entries at the end
COUNTED_WITHIN_SECONDS = 120


class SeedError(Exception):
    """The month could not be generated; the message says why and what to do."""


def seed(directory: Path, users: int, seed_text: str, now: int) -> Counter[str]:
    """Generate the month in the stack of this directory; returns the number of each action. Raises SeedError."""
    settings = read_json(directory / "settings.json")
    if settings.get("STAGE") != "local":
        raise SeedError("Only the local stack can be seeded. Start it with `make run`.")
    config = Config(region_name=settings["AWS_DEFAULT_REGION"], max_pool_connections=16, retries={"mode": "standard"})
    credentials = {name.lower(): settings[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=settings["AWS_ENDPOINT_URL"], config=config, **credentials)

    tables = Tables(client("dynamodb"), settings["LEDGER_TABLE"], settings["APP_TABLE"])
    cognito, batch_id = client("cognito-idp"), secrets.token_hex(3)

    def create_account(number: int) -> tuple[str, str]:
        first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number // 7 % len(LAST_NAMES)]
        email = f"{first}.{last}.{batch_id}.{number}@example.com"
        response = cognito.admin_create_user(
            UserPoolId=settings["COGNITO_USER_POOL_ID"],
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        )
        attributes = {attribute["Name"]: attribute["Value"] for attribute in response["User"]["Attributes"]}
        return attributes["sub"], email

    def new_services() -> Services:
        version = settings.get("PRICE_VERSION", default_version())
        return Services.build(tables, identity_key=settings["IDENTITY_HMAC_KEY"], price_version=version)

    month = Month(new_services, create_account, now, users, seed_text)
    with paused_schedules(directory):  # Otherwise the sweep of the stack would end the simulated sessions.
        user_ids = month.simulate(_print_day)
    _check(tables, user_ids[:CHECKED_USERS])
    _wait_until_counted(tables, user_ids[-1:])
    return month.done


def _print_day(day: int, done: Counter[str]) -> None:
    actions = sum(done.values()) - done["registered"]
    print(f"\r  day {day:2} of {DAYS}: {done['registered']:,} users, {actions:,} actions", end="", flush=True)


def _check(tables: Tables, user_ids: list[str]) -> None:
    """Raises SeedError if the balance of a user is not the sum of the entries."""
    ledger = Ledger(tables)
    for user_id in user_ids:
        total, after = 0, None
        while True:
            entries, after = ledger.entries(user_id, 100, after)
            total += sum(entry.credits for entry in entries)
            if after is None:
                break
        balance = ledger.balance(user_id)
        if balance.available + balance.held != total:
            raise SeedError(f"The balance of {user_id} is not the sum of its entries. This is a bug, please report it.")


def _wait_until_counted(tables: Tables, user_ids: list[str]) -> None:
    """Wait until the aggregates, which follow the stream of the ledger, include the entries of the last user."""
    ledger, totals = Ledger(tables), Aggregates(tables)
    deadline = time.monotonic() + COUNTED_WITHIN_SECONDS
    entries = [(user_id, entry) for user_id in user_ids for entry in ledger.entries(user_id, 100)[0]]
    while totals.count_uncounted(entries):
        if time.monotonic() > deadline:
            raise SeedError("The aggregates are not updated. The reason is in .local/api.log.")
        time.sleep(0.2)


def main() -> int:
    users, seed_text = os.environ.get("USERS") or DEFAULT_USERS, os.environ.get("SEED") or "a month"
    if not users.isdecimal() or not 0 < int(users) <= 100_000:
        print(f"USERS must be a number from 1 to 100,000, not {users!r}.", file=sys.stderr)
        return 2
    dev = read_json(LOCAL / "dev.json")
    if not dev or not url_answers(f"{dev['api_url']}/health"):
        print(
            "No local stack is running. Start it with `make run` in another terminal, then try again.", file=sys.stderr
        )
        return 1
    started_at = time.monotonic()
    try:
        done = seed(LOCAL, int(users), seed_text, int(time.time()))
    except SeedError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: the data so far is kept and consistent", file=sys.stderr)
        return 130
    print(f"\n  {', '.join(f'{name.replace(chr(95), chr(32))} {count:,}' for name, count in done.most_common())}")
    print(f"  in {time.monotonic() - started_at:.0f} s. Open {dev['api_url']}/admin to see it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
