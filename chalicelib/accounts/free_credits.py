"""Opens accounts: the profile, and free credits once per person, under caps.

Anyone can ask for free credits, so caps bound what a farm of accounts can take in a day: a cap per network, a budget
for all accounts, refused domains, and a switch. A cap is claimed before the grant.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from ..errors import UnavailableError
from ..models.accounts import Profile
from ..repositories.daily_caps import claim_daily_amount
from ..repositories.ledger import ExtraWriteRefusedError, Guard, Ledger
from ..repositories.profiles import create_profile, profile_from, profile_key, record_owed_credits
from ..repositories.table import Tables, Write
from .email_address import canonical_email, domain_of
from .network_caps import NETWORKS_PER_SITE, network_caps

REASON = "Free credits of a new account"
SWITCHED_OFF = "This service currently grants no free credits."
ALREADY_GRANTED = "The free credits of this email address were granted before."
REFUSED_DOMAIN = "Email addresses of this domain get no free credits."
NETWORK_CAP = "Too many accounts were opened from your network today. Sign in tomorrow to get your free credits."
BUDGET_USED = "Today's free credits are used up. Sign in tomorrow to get yours."


@dataclass(frozen=True)
class FreeCreditRules:
    """`free_credits`: for a new user; 0 grants none. The caps count from midnight UTC.

    `networks_per_site`: so many times the cap of a network is the cap of an IPv6 /48, which one customer may have too.
    """

    free_credits: int = 200
    accounts_per_network_day: int = 5
    networks_per_site: int = NETWORKS_PER_SITE
    credits_per_day: int = 100_000
    refused_domains: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FreeCredits:
    """Creates profiles and grants free credits."""

    ledger: Ledger
    tables: Tables
    rules: FreeCreditRules
    identity_key: str = field(repr=False)
    now: Callable[[], int]  # epoch seconds, UTC

    def open_account(self, user_id: str, email: str, name: str, network: str) -> Profile:
        """Create the profile of a confirmed account, and grant its free credits if it gets any.

        Once per account and once per person, however often it is called, also concurrently.
        """
        profile = Profile(user_id, email, name, self.now())
        try:
            return self._grant(profile, network, create_profile)
        except ExtraWriteRefusedError:  # A concurrent request created the profile.
            return self._load_profile(user_id)

    def grant_owed(self, profile: Profile, network: str) -> Profile:
        """Grant the free credits that a cap refused before, unless a cap refuses them again."""
        try:
            return self._grant(profile, network, record_owed_credits)
        except ExtraWriteRefusedError:  # A concurrent sign-in granted them.
            return self._load_profile(profile.user_id)

    def _grant(self, profile: Profile, network: str, store: Callable[[Profile], Write]) -> Profile:
        guard = Guard.free_credits(self._hash("", canonical_email(profile.email)))
        reason, is_owed = self._refusal(profile, network, guard)
        if not reason:
            granted = replace(
                profile, free_credits=self.rules.free_credits, free_credits_reason="", is_owed_credits=False
            )
            if self.ledger.grant(
                profile.user_id,
                granted.free_credits,
                "free_credits",
                guard,
                at=self.now(),
                reason=REASON,
                extra_writes=[store(granted)],
            ):
                return granted
            reason = ALREADY_GRANTED
        refused = replace(profile, free_credits_reason=reason, is_owed_credits=is_owed)
        if store is create_profile:
            self.ledger.open_account(profile.user_id, extra_writes=[create_profile(refused)])
        return refused

    def _refusal(self, profile: Profile, network: str, guard: Guard) -> tuple[str, bool]:
        """The reason for no free credits, empty if there is none, and whether it holds only for now.

        Without a reason, the caps have been claimed.
        """
        if self.rules.free_credits == 0:
            return SWITCHED_OFF, False
        domain = domain_of(profile.email)
        if any(domain == refused or domain.endswith(f".{refused}") for refused in self.rules.refused_domains):
            return REFUSED_DOMAIN, False
        if self.tables.get(guard.key):
            return ALREADY_GRANTED, False
        caps = network_caps(network, self.rules.accounts_per_network_day, self.rules.networks_per_site)
        for part, ceiling in caps:
            if not claim_daily_amount(self.tables, f"free#{self._hash('network', part)}", 1, ceiling, self.now()):
                return NETWORK_CAP, True
        credits, budget = self.rules.free_credits, self.rules.credits_per_day
        if not claim_daily_amount(self.tables, "free", credits, budget, self.now()):
            return BUDGET_USED, True
        return "", False

    def _load_profile(self, user_id: str) -> Profile:
        profile = profile_from(user_id, self.tables.get(profile_key(user_id)))
        if profile is None:
            raise UnavailableError("The account is being changed. Retry the request.")
        return profile

    def _hash(self, use: str, text: str) -> str:
        message = f"{use}\n{text}" if use else text
        return hmac.new(self.identity_key.encode(), message.encode(), hashlib.sha256).hexdigest()
