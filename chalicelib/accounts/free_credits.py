"""What a new account begins with: its profile, and free credits once per person, under caps. Used by account.py.

Free credits are money that anybody can ask for, so a fuse bounds what a farm of accounts can take in a day: a cap per
network, a budget for all together, refused domains, and a switch. Caps are claimed before the grant.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from ..errors import UnavailableError
from ..models.accounts import Profile
from ..repositories.daily_caps import claimed
from ..repositories.ledger import ExtraWriteRefusedError, Guard, Ledger
from ..repositories.profiles import profile, profile_granted, profile_key, profile_put
from ..repositories.table import Tables, Write
from .email_address import canonical_email, domain_of

REASON = "Free credits of a new account"
SWITCHED_OFF = "This service gives no free credits at the moment."
GIVEN_BEFORE = "The free credits of this address were given before."
REFUSED_DOMAIN = "Addresses of this domain get no free credits."
NETWORK_CAP = "Too many accounts were opened from your network today: sign in again tomorrow for your free credits."
BUDGET_USED = "Today's free credits are given away: sign in again tomorrow for yours."


@dataclass(frozen=True)
class FreeCreditRules:
    """`free_credits`: for a new person, 0 switches them off. The caps count from midnight UTC."""

    free_credits: int = 200
    accounts_per_network_day: int = 5
    credits_per_day: int = 100_000
    refused_domains: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FreeCredits:
    """Makes accounts real."""

    ledger: Ledger
    tables: Tables
    rules: FreeCreditRules
    identity_key: str = field(repr=False)
    now: Callable[[], int]  # epoch seconds, UTC

    def open(self, user_id: str, email: str, name: str, network: str) -> Profile:
        """The profile of an account that has just become real, with its free credits if they are due.

        Once per account and once per person, however often and however many at once.
        """
        person = Profile(user_id, email, name, self.now())
        try:
            return self._granted(person, network, profile_put)
        except ExtraWriteRefusedError:  # The profile is there: another request welcomed the account.
            return self._there(user_id)

    def try_again(self, person: Profile, network: str) -> Profile:
        """The profile with the free credits that a cap kept from it, if none does now."""
        try:
            return self._granted(person, network, profile_granted)
        except ExtraWriteRefusedError:  # Another sign-in was quicker.
            return self._there(person.user_id)

    def _granted(self, person: Profile, network: str, kept: Callable[[Profile], Write]) -> Profile:
        guard = Guard.free_credits(self._hashed("", canonical_email(person.email)))
        reason, is_owed = self._why_not(person, network, guard)
        if not reason:
            given = replace(person, free_credits=self.rules.free_credits, free_credits_reason="", is_owed_credits=False)
            if self.ledger.grant(
                person.user_id,
                given.free_credits,
                "free_credits",
                guard,
                at=self.now(),
                reason=REASON,
                extra_writes=[kept(given)],
            ):
                return given
            reason = GIVEN_BEFORE
        without = replace(person, free_credits_reason=reason, is_owed_credits=is_owed)
        if kept is profile_put:
            self.ledger.open_account(person.user_id, extra_writes=[profile_put(without)])
        return without

    def _why_not(self, person: Profile, network: str, guard: Guard) -> tuple[str, bool]:
        """Why there are no free credits, and whether only for now. What passes has been counted."""
        if self.rules.free_credits == 0:
            return SWITCHED_OFF, False
        domain = domain_of(person.email)
        if any(domain == refused or domain.endswith(f".{refused}") for refused in self.rules.refused_domains):
            return REFUSED_DOMAIN, False
        if self.tables.get(guard.key):
            return GIVEN_BEFORE, False
        name = f"free#{self._hashed('network', network)}"
        if not claimed(self.tables, name, 1, self.rules.accounts_per_network_day, self.now()):
            return NETWORK_CAP, True
        if not claimed(self.tables, "free", self.rules.free_credits, self.rules.credits_per_day, self.now()):
            return BUDGET_USED, True
        return "", False

    def _there(self, user_id: str) -> Profile:
        there = profile(user_id, self.tables.get(profile_key(user_id)))
        if there is None:
            raise UnavailableError("The account is being changed.")
        return there

    def _hashed(self, use: str, word: str) -> str:
        said = f"{use}\n{word}" if use else word
        return hmac.new(self.identity_key.encode(), said.encode(), hashlib.sha256).hexdigest()
