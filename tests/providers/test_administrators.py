"""A removed administrator is refused within a minute, though the token names the group for an hour."""

import pytest

from chalicelib.errors import ForbiddenError, UnavailableError
from chalicelib.models.accounts import Caller
from chalicelib.providers.administrators import GROUP, REMEMBERED_SECONDS, Administrators
from tests.fakes import Clock

ROOT, ADA = Caller("root", 0, "root@example.com", (GROUP,)), Caller("ada", 0, "ada@example.com", ("others",))


class Groups:
    """The groups in the user pool, which may be out of order."""

    def __init__(self) -> None:
        self.names, self.questions, self.is_out = ["others", GROUP], 0, False

    def __call__(self, _: str) -> list[str]:
        self.questions += 1
        if self.is_out:
            raise UnavailableError("The sign-in service did not respond.")
        return self.names


@pytest.fixture
def groups() -> Groups:
    return Groups()


@pytest.fixture
def administrators(groups: Groups, clock: Clock) -> Administrators:
    return Administrators(groups, clock)


def test_a_removed_administrator_is_refused_within_a_minute(
    administrators: Administrators, groups: Groups, clock: Clock
) -> None:
    administrators.check(ROOT)
    groups.names = ["others"]

    clock.forward(60)
    for _ in range(2):
        with pytest.raises(ForbiddenError):
            administrators.check(ROOT)


def test_the_pool_is_queried_once_in_45_seconds(administrators: Administrators, groups: Groups, clock: Clock) -> None:
    for _ in range(3):
        administrators.check(ROOT)
    assert groups.questions == 1

    clock.forward(REMEMBERED_SECONDS - 1)
    administrators.check(ROOT)
    clock.forward(1)
    administrators.check(ROOT)
    assert groups.questions == 2


def test_a_new_administrator_is_accepted_at_once(administrators: Administrators, groups: Groups) -> None:
    groups.names = []
    with pytest.raises(ForbiddenError):
        administrators.check(ROOT)

    groups.names = [GROUP]
    administrators.check(ROOT)


def test_a_token_without_the_group_is_refused_without_a_question(
    administrators: Administrators, groups: Groups
) -> None:
    with pytest.raises(ForbiddenError):
        administrators.check(ADA)
    assert groups.questions == 0


def test_an_outage_lets_nobody_in_who_was_not_confirmed_lately(
    administrators: Administrators, groups: Groups, clock: Clock
) -> None:
    administrators.check(ROOT)
    groups.is_out = True
    administrators.check(ROOT)

    for seconds in (REMEMBERED_SECONDS, -3_600):  # Also where the clock is set back.
        clock.forward(seconds)
        with pytest.raises(UnavailableError):
            administrators.check(ROOT)
