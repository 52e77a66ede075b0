"""Accounts on a real user pool and real tables; the process can be made to crash at any AWS call."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from chalicelib import contract
from chalicelib.accounts.free_credits import FreeCreditRules, FreeCredits
from chalicelib.accounts.mail import Mail
from chalicelib.accounts.service import EVEN_SECONDS, Accounts
from chalicelib.accounts.sign_ups import SignUps
from chalicelib.providers.cognito import Cognito
from chalicelib.providers.id_tokens import TokenVerifier
from chalicelib.repositories.conditions import Attr
from chalicelib.repositories.ledger import Ledger
from chalicelib.repositories.table import ItemKey, Tables
from scripts.local.aws import CREDENTIALS, REGION, LocalAws
from tests.fakes import Backend, Clock

PASSWORD = "correct horse battery"


class CrashError(BaseException):
    """The process has crashed: no code may catch this."""


@dataclass
class Aws:
    """Counts every AWS call of the use case, and crashes the process at one of them."""

    calls: int = 0
    die_before: int | None = None
    die_after: int | None = None

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-call", self._before)
        client.meta.events.register("after-call", self._after)

    @contextmanager
    def dying(self, moment: str, call: int) -> Iterator[None]:
        """Crash `before` or `after` this call, counted from here."""
        self.calls, self.die_before, self.die_after = 0, None, None
        setattr(self, f"die_{moment}", call)
        with pytest.raises(CrashError):
            yield
        self.die_before = self.die_after = None

    def _before(self, **_: Any) -> None:
        if self.calls == self.die_before:
            raise CrashError
        self.calls += 1

    def _after(self, **_: Any) -> None:
        if self.calls - 1 == self.die_after:
            raise CrashError


@dataclass(frozen=True)
class AccountsEnv:
    """Accounts on a real pool and real tables."""

    accounts: Accounts
    books: Backend
    aws: Aws

    def check_whole(self, signed_in: contract.LoggedIn, email: str, credits: int = 200) -> None:
        """Check the profile, the credits, the invariants, and that the next sign-in returns the same user."""
        user_id = signed_in.user.user_id
        assert (signed_in.user.email, signed_in.user.credits.available) == (email, credits)
        assert sum(entry.credits for entry in self.books.entries(user_id)) == credits
        assert self.accounts.login(contract.Login(email=email, password=PASSWORD)).user == signed_in.user
        self.books.check_invariants(user_id)

    def end_locks(self) -> None:
        """As if half a minute had passed."""
        items, _ = self.accounts.tables.scan("app", Attr("locked_until").exists(), limit=10_000)
        self.accounts.tables.delete_many([ItemKey("app", item["pk"], item["sk"]) for item in items])

    def with_rules(self, rules: FreeCreditRules) -> "AccountsEnv":
        free_credits = replace(self.accounts.free_credits, rules=rules)
        return replace(self, accounts=replace(self.accounts, free_credits=free_credits))

    def with_verification(self) -> "AccountsEnv":
        sign_ups = replace(self.accounts.sign_ups, is_verification_on=True)
        return replace(self, accounts=replace(self.accounts, sign_ups=sign_ups, is_verification_on=True))


def watched_client(aws: Aws, service: str, endpoint_url: str) -> Any:
    client = boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=20),
    )
    aws.watch(client)
    return client


@contextmanager
def open_accounts_env(ministack: LocalAws) -> Iterator[AccountsEnv]:
    """Accounts on the resources of this AWS."""
    settings, aws = ministack.settings(), Aws()
    cognito, database = (watched_client(aws, name, ministack.endpoint_url) for name in ("cognito-idp", "dynamodb"))
    pool, client_id = settings["COGNITO_USER_POOL_ID"], settings["COGNITO_CLIENT_ID"]
    keys = requests.get(settings["COGNITO_JWKS_URL"], timeout=5).json()
    tables = Tables(database, settings["LEDGER_TABLE"], settings["APP_TABLE"])
    rules = FreeCreditRules(accounts_per_network_day=1_000_000, credits_per_day=1_000_000_000)
    now = lambda: int(time.time())  # noqa: E731
    ledger, key, new_id = Ledger(tables), "a key of this test", lambda: str(uuid.uuid4())
    user_pool = Cognito(cognito, pool, client_id, settings["COGNITO_CLIENT_SECRET"])
    mail = Mail(tables, key, now, per_network_day=1_000_000)
    accounts = Accounts(
        cognito=user_pool,
        verifier=TokenVerifier(
            f"https://cognito-idp.{REGION}.amazonaws.com/{pool}", client_id, lambda: keys, lambda: int(time.time())
        ),
        ledger=ledger,
        free_credits=FreeCredits(ledger, tables, rules, key, now),
        sign_ups=SignUps(user_pool, ledger, tables, mail, key, False, now, new_id),
        mail=mail,
        is_verification_on=False,
        tables=tables,
        now=now,
        pause=time.sleep,
        elapsed=itertools.count(0, EVEN_SECONDS).__next__,  # as slow as allowed, so that no test waits
    )
    yield AccountsEnv(accounts, Backend.on(tables, Clock()), aws)
    cognito.close()
    database.close()


def at_once(many: int, act: Callable[[], Any]) -> list[Any]:
    """The results of `act` in `many` threads that start together."""
    barrier = threading.Barrier(many)

    def run(_: int) -> Any:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(run, range(many)))
