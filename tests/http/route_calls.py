"""Calls the views of app.py in process, with the use cases on the tables of a backend and everything outside in memory.

A view gets what its route reads; the caller, the limits and the gateway are left out.
"""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from chalice import Response
from msgspec.structs import replace

import app as backend_app
from chalicelib import contract
from chalicelib.accounts.free_credits import FreeCreditRules, FreeCredits
from chalicelib.accounts.mail import Mail
from chalicelib.accounts.service import EVEN_SECONDS, Accounts
from chalicelib.accounts.sign_ups import SignUps
from chalicelib.admin.costs import CostReport
from chalicelib.admin.user_detail import UserDetails
from chalicelib.admin.user_list import UserList
from chalicelib.admin.users import UserAdministration
from chalicelib.credits.statement import Statements
from chalicelib.credits.usage import UsageReport
from chalicelib.errors import AppError, InvalidRequestError
from chalicelib.http.endpoint import route_spec
from chalicelib.http.openapi.examples import EXAMPLES
from chalicelib.http.parameters import Parameter, RawBody, RouteSpec, Source
from chalicelib.http.request import IdempotencyKey
from chalicelib.http.responses import error_response, to_response
from chalicelib.ids import ulid
from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.transcripts import Transcripts
from chalicelib.transcripts.work import RecordedWork
from chalicelib.wiring import aws, use_cases
from tests.admin.health_env import health_report_on
from tests.catchup.catchup_env import CatchupEnv
from tests.default_prices import PRICES
from tests.fakes import CURSORS
from tests.payments.payments_env import PaymentsEnv
from tests.simulation.user_pool import UserPool
from tests.transcripts.sharing_env import search_on, sharing_on, token_of

IDENTITY_KEY = "a key of this test"
FREE = FreeCreditRules(accounts_per_network_day=1_000_000, credits_per_day=1_000_000_000)
EXAMPLES_AT, NEAR_THE_END_SECONDS = 1_796_083_200, 30  # 2026-12-01, after the days that the examples name
STORED = (contract.Start, contract.Save, contract.Stop, contract.Catchup, contract.UpdateTranscript)
CONTEXT = {"domainName": "api.example", "path": "/api/x", "identity": {"sourceIp": "192.0.2.1"}}
SHAPES = (Source.BODY, Source.QUERY)


def request_shapes() -> Iterator[tuple[Source, Any, Any, RouteSpec]]:
    """Each shape that a route reads: where it comes from, the shape, the view and the route's declaration."""
    for methods in backend_app.app.routes.values():
        for entry in methods.values():
            spec = route_spec(entry.view_function)
            for parameter in spec.parameters.values():
                if parameter.source in SHAPES and not isinstance(parameter.shape, RawBody):
                    for shape in get_args(parameter.shape) or (parameter.shape,):
                        yield parameter.source, shape, entry.view_function, spec


class OfflinePool(UserPool):
    """The user pool in memory. No code is ever right."""

    def _call(self, name: str, effect: Any) -> Any:
        return effect()

    def resend_code(self, email: str) -> bool:
        return email in self.users

    send_reset_code = resend_code

    def confirm(self, email: str, code: str) -> None:
        raise InvalidRequestError("The code is wrong or has expired.", "code")

    def reset_password(self, email: str, code: str, password: str) -> None:
        raise InvalidRequestError("The code is wrong or has expired.", "code")


@dataclass(frozen=True)
class RouteCalls:
    """The views, and ada, who calls them and may do what administrators do; the id of another user, and payments."""

    catchup_env: CatchupEnv
    ada: Caller
    other_id: str
    payments_env: PaymentsEnv

    @classmethod
    def on(cls, catchup_env: CatchupEnv, monkeypatch: pytest.MonkeyPatch) -> "RouteCalls":
        backend = catchup_env.backend
        backend.clock.at = EXAMPLES_AT
        numbers, now, no_process = itertools.count(), backend.clock, SimpleNamespace(current=None)
        outside: Any = SimpleNamespace(new_id=lambda: str(uuid.uuid4()), now=now(), scheduler=no_process)
        pool: Any = OfflinePool(outside)
        mail = Mail(backend.tables, IDENTITY_KEY, now)
        accounts = Accounts(
            cognito=pool,
            verifier=pool,
            ledger=backend.ledger,
            free_credits=FreeCredits(backend.ledger, backend.tables, FREE, IDENTITY_KEY, now),
            sign_ups=SignUps(
                pool, backend.ledger, backend.tables, mail, IDENTITY_KEY, False, now, lambda: str(next(numbers))
            ),
            mail=mail,
            is_verification_on=False,
            tables=backend.tables,
            now=now,
            pause=lambda _: None,
            elapsed=itertools.count(0, EVEN_SECONDS).__next__,
        )
        administration = UserAdministration(backend.ledger, backend.tables, now, lambda: ulid(now() * 1000))
        payments_env = PaymentsEnv(backend)
        replacements = {
            "accounts": accounts,
            "streaming": backend.streaming,
            "relay": backend.relay,
            "catchups": catchup_env.catchups,
            "history": backend.history,
            "questions": catchup_env.questions,
            "purchases": payments_env.purchases,
            "statements": Statements(backend.ledger, CURSORS),
            "usage_report": UsageReport(backend.ledger, now),
            "user_administration": administration,
            "user_details": UserDetails(backend.ledger, backend.tables, pool, now),
            "purchase_administration": payments_env.administration,
            "recorded_work": RecordedWork(backend.ledger, Transcripts(backend.tables), CURSORS),
            "user_list": UserList(backend.ledger, backend.tables, pool, CURSORS),
            "health_report": health_report_on(backend),
            "search": search_on(backend),
            "sharing": sharing_on(backend),
            "cost_report": CostReport(backend.ledger, Aggregates(backend.tables), PRICES, CURSORS, now),
        }
        for name, use_case in replacements.items():
            monkeypatch.setattr(use_cases, name, lambda use_case=use_case: use_case)
        monkeypatch.setattr(aws, "settings", lambda: SimpleNamespace(public_url="https://api.example/api"))
        monkeypatch.setattr(backend_app, "request", lambda: SimpleNamespace(context=CONTEXT, path="/x"))
        other = accounts.register(contract.Register(email="bo@example.com", password="correct horse battery"))
        ada = pool.callers[accounts.register(EXAMPLES[contract.Register]).token]
        guard = Guard.reference(ada.user_id, "test", "grant")
        assert backend.ledger.grant(ada.user_id, 1_000_000, "admin", guard, at=now(), reason="for a test")
        return cls(catchup_env, ada, other.user.user_id, payments_env)

    def answer(self, body: Any, tested: str = "") -> list[Response]:
        """What each view that reads this shape answers. Ids in the body are replaced by existing ones, except in the
        field `tested`. A bug is raised, not answered.
        """
        backend = self.catchup_env.backend
        lease = backend.start(self.ada)
        ids = {"session_id": lease.session_id, "transcript_id": lease.transcript_id, "user_id": self.other_id}
        backend.streaming.save(self.ada, lease.session_id, EXAMPLES[contract.Save].segments)
        backend.clock.forward(lease.lease_seconds - NEAR_THE_END_SECONDS)  # The lease can be renewed.
        shared = use_cases.sharing().share(self.ada, lease.transcript_id, "https://api.example/api")
        ids |= {"token": token_of(shared.url), "address": shared.url}
        if isinstance(body, contract.RefundPurchase):
            ids["purchase_id"] = self.payments_env.buy(self.ada)
            self.payments_env.receive_fact(ids["purchase_id"], PaymentState.PAID)
        named = {name: ids[name] for name in ids if name != tested and getattr(body, name, None)}
        if tested != "cursor" and getattr(body, "cursor", None):
            named["cursor"] = None  # The example names an entry that is not there.
        body = replace(body, **named)
        views = [(view, spec) for _, shape, view, spec in request_shapes() if shape is type(body)]
        answers = [self._call(view, spec, body, ids) for view, spec in views]
        self.catchup_env.work()
        if isinstance(body, STORED):
            self._read_newest_transcripts()
        backend.streaming.stop(self.ada, lease.session_id)
        return answers

    def _call(self, view: Any, spec: RouteSpec, body: Any, ids: dict[str, str]) -> Response:
        arguments = {
            name: self._argument(parameter, body, ids.get(name, "")) for name, parameter in spec.parameters.items()
        }
        try:
            return to_response(view.__wrapped__(**arguments), spec.status)
        except AppError as error:
            return error_response(error)

    def _argument(self, parameter: Parameter, body: Any, path_id: str) -> Any:
        match parameter.source:
            case Source.CALLER | Source.ADMIN:
                return self.ada
            case Source.ID | Source.PATH:
                return path_id
            case Source.BODY | Source.QUERY:
                shapes = get_args(parameter.shape) or (parameter.shape,)
                return body if type(body) in shapes else EXAMPLES[shapes[0]]
            case Source.IDEMPOTENCY_KEY:
                return IdempotencyKey(None, "hash")
            case Source.BYTES_SENT_TODAY:
                return 0
            case _:
                return ""

    def _read_newest_transcripts(self) -> None:
        """As they are shown, and in every format."""
        history = self.catchup_env.backend.history
        for item in history.page(self.ada, contract.HistoryQuery(limit=2)).items:
            history.get_transcript(self.ada, item.id, None)
            for file_format in ("srt", "vtt", "txt", "json"):
                file = history.export(self.ada, item.id, file_format)
                (file.file_name + file.content).encode()
