"""User administration on the tables of a backend."""

import pytest

from tests.admin.admin_env import AdminEnv
from tests.fakes import Backend


@pytest.fixture
def admin_env(backend: Backend) -> AdminEnv:
    return AdminEnv.on(backend)
