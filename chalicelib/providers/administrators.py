"""Who administrates now. An ID token names the groups of its sign-in for up to an hour, also after they changed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from ..errors import ForbiddenError
from ..models.accounts import Caller

GROUP = "admins"
REMEMBERED_SECONDS = 45  # with the request itself, a removed administrator is refused within a minute


@dataclass(frozen=True)
class Administrators:
    """Asks the user pool, and remembers only who is an administrator."""

    find_groups: Callable[[str], Collection[str]]  # of a user id; raises UnavailableError
    now: Callable[[], int]  # epoch seconds, UTC
    confirmed_at: dict[str, int] = field(default_factory=dict)

    def check(self, caller: Caller) -> None:
        """Raises ForbiddenError unless the token and the user pool name the caller an administrator.

        Raises UnavailableError if the user pool cannot be asked.
        """
        if GROUP not in caller.groups:
            raise _forbidden_error()
        if 0 <= self.now() - self.confirmed_at.get(caller.user_id, 0) < REMEMBERED_SECONDS:
            return
        checked_at = self.now()
        self.confirmed_at.pop(caller.user_id, None)
        if GROUP not in self.find_groups(caller.user_id):
            raise _forbidden_error()
        self.confirmed_at[caller.user_id] = checked_at


def _forbidden_error() -> ForbiddenError:
    return ForbiddenError("Only administrators may call this route. Sign in as one.")
