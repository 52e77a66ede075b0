"""A month of believable activity in the stack of `make run`, so that the owner's dashboard has something to show.

The real use cases book it, at times that a clock of its own tells; only the providers are made up. `make seed`, with
USERS= (how many) and SEED= (another month).
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

LOCAL = Path(__file__).parent.parent / ".local"
FIRST_NAMES = ("ada", "grace", "alan", "edsger", "barbara", "donald", "radia", "ken", "frances", "niklaus", "margaret")
LAST_NAMES = ("lovelace", "hopper", "turing", "dijkstra", "liskov", "knuth", "perlman", "thompson", "allen", "wirth")
DEFAULT_USERS = "2000"
CHECKED = 200  # books that are added up at the end
COUNTED_WITHIN_SECONDS = 120


class SeedError(Exception):
    """The month could not be made; the text says why and what to do."""


def seed(directory: Path, users: int, word: str, now: int) -> Counter[str]:
    """Make the month in the stack of this directory. Raises SeedError."""
    settings = read_json(directory / "settings.json")
    if settings.get("STAGE") != "local":
        raise SeedError("Only a local stack is filled with made-up people.")
    config = Config(region_name=settings["AWS_DEFAULT_REGION"], max_pool_connections=16, retries={"mode": "standard"})
    known = {name.lower(): settings[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}

    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=settings["AWS_ENDPOINT_URL"], config=config, **known)

    tables = Tables(client("dynamodb"), settings["LEDGER_TABLE"], settings["APP_TABLE"])
    cognito, crowd = client("cognito-idp"), secrets.token_hex(3)

    def account_of(number: int) -> tuple[str, str]:
        first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number // 7 % len(LAST_NAMES)]
        email = f"{first}.{last}.{crowd}.{number}@example.com"
        made = cognito.admin_create_user(
            UserPoolId=settings["COGNITO_USER_POOL_ID"],
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
        )
        words = {one["Name"]: one["Value"] for one in made["User"]["Attributes"]}
        return words["sub"], email

    def new_services() -> Services:
        version = settings.get("PRICE_VERSION", "2026-11")
        return Services.on(tables, identity_key=settings["IDENTITY_HMAC_KEY"], price_version=version)

    month = Month(new_services, account_of, now, users, word)
    with paused_schedules(directory):  # Else the stack's own sweep would end in our past what began there.
        people = month.live(_tell)
    _check(tables, people[:CHECKED])
    _wait_until_counted(tables, people[-1:])
    return month.done


def _tell(day: int, done: Counter[str]) -> None:
    acts = sum(done.values()) - done["joined"]
    print(f"\r  day {day:2} of {DAYS}: {done['joined']:,} people, {acts:,} acts", end="", flush=True)


def _check(tables: Tables, user_ids: list[str]) -> None:
    """The books of these people add up, or SeedError."""
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
            raise SeedError(f"The books of {user_id} do not add up: this is a bug, please report it.")


def _wait_until_counted(tables: Tables, user_ids: list[str]) -> None:
    """The totals follow the ledger's stream; they have arrived when the last person's movements have."""
    ledger, totals = Ledger(tables), Aggregates(tables)
    until = time.monotonic() + COUNTED_WITHIN_SECONDS
    booked = [(user_id, entry) for user_id in user_ids for entry in ledger.entries(user_id, 100)[0]]
    while totals.count_uncounted(booked):
        if time.monotonic() > until:
            raise SeedError("The totals do not follow: look into .local/api.log.")
        time.sleep(0.2)


def main() -> int:
    users, word = os.environ.get("USERS") or DEFAULT_USERS, os.environ.get("SEED") or "a month"
    if not users.isdecimal() or not 0 < int(users) <= 100_000:
        print(f"USERS must be a number up to 100000, not {users!r}.", file=sys.stderr)
        return 2
    dev = read_json(LOCAL / "dev.json")
    if not dev or not url_answers(f"{dev['api_url']}/health"):
        print("Nothing runs here. Start `make run` in another terminal, then come back.", file=sys.stderr)
        return 1
    began = time.monotonic()
    try:
        done = seed(LOCAL, int(users), word, int(time.time()))
    except SeedError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped: what is there stays, and is in order", file=sys.stderr)
        return 130
    print(f"\n  {', '.join(f'{what.replace(chr(95), chr(32))} {count:,}' for what, count in done.most_common())}")
    print(f"  in {time.monotonic() - began:.0f} s. Look at it: {dev['api_url']}/admin")
    return 0


if __name__ == "__main__":
    sys.exit(main())
