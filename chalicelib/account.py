"""A person's account: registering, confirming, signing in and out, and the free credits that come with it.

Cognito keeps who may sign in; the profile and the credits are ours, and come in one write. A process that dies between
the two leaves an account without them: the next sign-in finds that and makes up for it.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from . import contract
from .errors import (
    EmailUnverifiedError,
    InvalidRequestError,
    SignedOutError,
    UnauthenticatedError,
    UnavailableError,
)
from .models import Balance, Caller, Profile
from .providers.cognito import Cognito, SignIn
from .repositories.accounts import profile, profile_key, profile_put
from .repositories.ledger import AlsoRefusedError, Guard, Ledger
from .repositories.table import Tables
from .times import rfc3339
from .tokens import TokenVerifier

DOTLESS_DOMAINS = {"gmail.com", "googlemail.com"}
SIGN_OUT_TRIES = 3


@dataclass(frozen=True)
class Accounts:
    """Everything about one person's account."""

    cognito: Cognito
    verifier: TokenVerifier
    ledger: Ledger
    tables: Tables
    free_credits: int
    identity_key: str = field(repr=False)
    is_verification_on: bool
    now: Callable[[], int]
    pause: Callable[[float], None]

    def register(self, wish: contract.Register) -> contract.Registered:
        """A new account; signed in at once where no confirmation is needed.

        Raises EmailTakenError, InvalidRequestError (weak password), UnavailableError.
        """
        email = normal_address(wish.email)
        user_id = self.cognito.sign_up(email, wish.password, wish.name)
        if self.is_verification_on:
            nobody = Profile(user_id, email, wish.name, self.now())
            reason = "The free credits come when the email is confirmed."
            return contract.Registered(_user(nobody, Balance()), True, 0, reason)
        self.cognito.confirm_without_code(email)
        welcomed = self._welcome(user_id, email, wish.name)
        tokens = self.cognito.sign_in(email, wish.password)
        return contract.Registered(
            user=_user(welcomed, self.ledger.balance(user_id)),
            confirmation_required=False,
            free_credits=welcomed.free_credits,
            free_credits_reason=welcomed.free_credits_reason,
            **_token_fields(tokens),
        )

    def confirm(self, wish: contract.Confirm) -> contract.Confirmed:
        """Confirm the address with the mailed code; the free credits come now."""
        email = normal_address(wish.email)
        self.cognito.confirm(email, wish.code)
        person = self.cognito.person(email)
        welcomed = self._welcome(person.user_id, email, person.name)
        return contract.Confirmed(True, welcomed.free_credits, welcomed.free_credits_reason)

    def resend_code(self, wish: contract.ResendCode) -> contract.CodeSent:
        """Mail the code again. The answer does not tell whether there is such an account."""
        self.cognito.resend_code(normal_address(wish.email))
        return contract.CodeSent(True)

    def login(self, wish: contract.Login) -> contract.LoggedIn:
        """Tokens for a password; makes up for a profile or free credits that a crash left out."""
        email = normal_address(wish.email)
        tokens = self._signed_in(email, wish.password)
        caller = self.verifier.caller(tokens.id_token)
        for _ in range(SIGN_OUT_TRIES):
            try:
                balance, person = self._known(caller)
                break
            except SignedOutError:
                self.pause(1.0)  # Signed out within this very second: a sign-in of the next one is good.
                tokens = self.cognito.sign_in(email, wish.password)
                caller = self.verifier.caller(tokens.id_token)
        else:
            raise UnavailableError("The account was signed out just now: sign in again.")
        return contract.LoggedIn(user=_user(person, balance, caller.groups), **_token_fields(tokens))

    def refresh(self, wish: contract.Refresh) -> contract.Tokens:
        """New tokens for a refresh token. Raises InvalidCredentialsError, AccountBlockedError, UnauthenticatedError."""
        tokens = self.cognito.refresh(wish.refresh_token)
        # An outage here must not lose a refresh token that was rotated; every later call checks the standing again.
        with suppress(UnavailableError):
            self.ledger.admit(self.verifier.caller(tokens.id_token))
        return contract.Tokens(**_token_fields(tokens))

    def logout(self, caller: Caller) -> contract.LoggedOut:
        """End every sign-in of the account: refresh tokens at Cognito, ID tokens here."""
        self.ledger.admit(caller)
        self.cognito.sign_out_everywhere(caller.user_id)
        # Tokens tell the second of their sign-in, so all of this second count as earlier.
        self.ledger.sign_out(caller.user_id, before_at=max(self.now(), caller.auth_time_at) + 1)
        return contract.LoggedOut(True)

    def user(self, caller: Caller) -> contract.User:
        """The caller's profile and balance."""
        balance, person = self._known(caller)
        return _user(person, balance, caller.groups)

    def _signed_in(self, email: str, password: str) -> SignIn:
        try:
            return self.cognito.sign_in(email, password)
        except EmailUnverifiedError:
            if self.is_verification_on:
                raise
            self.cognito.confirm_without_code(email)  # A crash came between signing up and this.
            return self.cognito.sign_in(email, password)

    def _known(self, caller: Caller) -> tuple[Balance, Profile]:
        balance, (item,) = self.ledger.admit(caller, also=[profile_key(caller.user_id)])
        found = profile(caller.user_id, item)
        if found:
            return balance, found
        if not caller.email:
            raise UnauthenticatedError("This token names no email: sign in again.")
        if self.is_verification_on and not caller.is_email_verified:
            raise EmailUnverifiedError("Confirm your email first: a code was sent to it.")
        welcomed = self._welcome(caller.user_id, caller.email, caller.name)
        return self.ledger.balance(caller.user_id), welcomed

    def _welcome(self, user_id: str, email: str, name: str) -> Profile:
        """The profile of an account that has just become real, with its free credits if they are due.

        Once per account and once per person, however often and however many at once.
        """
        person = Profile(user_id, email, name, self.now(), free_credits=self.free_credits)
        guard = Guard.free_credits(self._address_hmac(email))
        reason = "Free credits of a new account"
        try:
            if self.free_credits == 0:
                return self._welcome_without(person, "This service gives no free credits at the moment.")
            if self.ledger.grant(
                user_id,
                self.free_credits,
                "free_credits",
                guard,
                at=self.now(),
                reason=reason,
                also=[profile_put(person)],
            ):
                return person
            return self._welcome_without(person, "The free credits of this address were given before.")
        except AlsoRefusedError:  # The profile is there: another request welcomed the account.
            there = profile(user_id, self.tables.get(profile_key(user_id)))
            if there is None:
                raise UnavailableError("The account is being changed.") from None
            return there

    def _welcome_without(self, person: Profile, reason: str) -> Profile:
        person = replace(person, free_credits=0, free_credits_reason=reason)
        self.ledger.open_account(person.user_id, also=[profile_put(person)])
        return person

    def _address_hmac(self, email: str) -> str:
        return hmac.new(self.identity_key.encode(), canonical_address(email).encode(), hashlib.sha256).hexdigest()


def normal_address(email: str) -> str:
    """The address as Cognito gets it: letter case, look-alike characters and the domain's two spellings made one.

    Raises InvalidRequestError if what is left is no address.
    """
    mailbox, at, domain = unicodedata.normalize("NFKC", email.strip()).lower().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not at or not domain or not 1 <= len(mailbox) <= 64 or "@" in mailbox or not mailbox.isprintable():
        raise InvalidRequestError("This is not an email address.", "email")
    if " " in mailbox or " " in domain:
        raise InvalidRequestError("This is not an email address.", "email")
    return f"{mailbox}@{domain}"


def canonical_address(email: str) -> str:
    """One word for all spellings that reach one person: `A.da+x@googlemail.com` → `ada@gmail.com`.

    Everything after a plus is a tag with every large mail service; dots mean nothing at Gmail alone.
    """
    mailbox, _, domain = normal_address(email).rpartition("@")
    mailbox = mailbox.partition("+")[0] or mailbox
    domain = domain.rstrip(".")
    if domain in DOTLESS_DOMAINS:
        mailbox, domain = mailbox.replace(".", ""), "gmail.com"
    return f"{mailbox}@{domain}"


def _user(person: Profile, balance: Balance, groups: tuple[str, ...] = ()) -> contract.User:
    return contract.User(
        user_id=person.user_id,
        email=person.email,
        created_at=rfc3339(person.created_at),
        credits=contract.CreditSummary(balance.available, balance.held),
        name=person.name,
        groups=list(groups),
    )


def _token_fields(tokens: SignIn) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "token": tokens.id_token,
        "access_token": tokens.access_token,
        "expires_in": tokens.expires_in_seconds,
        "token_type": "Bearer",
    }
    return fields | ({"refresh_token": tokens.refresh_token} if tokens.refresh_token else {})
