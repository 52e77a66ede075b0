"""The payment use cases, and a user with 200 credits."""

import pytest

from chalicelib.models.accounts import Caller
from tests.fakes import Backend
from tests.payments.payments_env import PaymentsEnv


@pytest.fixture
def payments_env(backend: Backend) -> PaymentsEnv:
    return PaymentsEnv(backend)


@pytest.fixture
def ada(payments_env: PaymentsEnv) -> Caller:
    return payments_env.backend.person(200)
