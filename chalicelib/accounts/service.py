"""A person's account: registering, confirming, signing in and out, and the free credits that come with it.

Cognito keeps who may sign in; the profile and the credits are ours, and come in one write. A process that dies between
the two leaves an account without them: the next sign-in finds that and makes up for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from .. import contract
from ..dates import rfc3339
from ..errors import (
    EmailUnverifiedError,
    InvalidCredentialsError,
    InvalidRequestError,
    RateLimitedError,
    SignedOutError,
    UnauthenticatedError,
    UnavailableError,
)
from ..models.accounts import Caller, Profile
from ..models.ledger import Balance
from ..providers.cognito import Cognito, SignIn
from ..providers.id_tokens import TokenVerifier
from ..repositories.ledger import Ledger
from ..repositories.profiles import profile, profile_key, profile_renamed, profile_with_new_password
from ..repositories.table import Tables, WriteRefusedError
from .email_address import normalise_email
from .free_credits import FreeCredits

SIGN_OUT_TRIES = 3
EVEN_SECONDS = 1.5  # above what the user pool takes to mail somebody


@dataclass(frozen=True)
class Accounts:
    """Everything about one person's account."""

    cognito: Cognito
    verifier: TokenVerifier
    ledger: Ledger
    free_credits: FreeCredits
    is_verification_on: bool
    tables: Tables
    now: Callable[[], int]
    pause: Callable[[float], None]
    elapsed: Callable[[], float]  # seconds, from anywhere

    def register(self, body: contract.Register, network: str = "") -> contract.Registered:
        """A new account; signed in at once where no confirmation is needed. `network`: where the request came from.

        Raises EmailTakenError, InvalidRequestError (weak password), UnavailableError.
        """
        email = normalise_email(body.email)
        user_id = self.cognito.sign_up(email, body.password, body.name)
        if self.is_verification_on:
            nobody = Profile(user_id, email, body.name, self.now())
            reason = "The free credits come when the email is confirmed."
            return contract.Registered(
                user=_user(nobody, Balance()), confirmation_required=True, free_credits=0, free_credits_reason=reason
            )
        self.cognito.confirm_without_code(email)
        welcomed = self.free_credits.open(user_id, email, body.name, network)
        tokens = self.cognito.sign_in(email, body.password)
        return contract.Registered(
            user=_user(welcomed, self.ledger.balance(user_id)),
            confirmation_required=False,
            free_credits=welcomed.free_credits,
            free_credits_reason=welcomed.free_credits_reason,
            **_token_fields(tokens),
        )

    def confirm(self, body: contract.Confirm, network: str = "") -> contract.Confirmed:
        """Confirm the address with the mailed code; the free credits come now."""
        email = normalise_email(body.email)
        self.cognito.confirm(email, body.code)
        person = self.cognito.person(email)
        welcomed = self.free_credits.open(person.user_id, email, person.name, network)
        return contract.Confirmed(
            confirmed=True, free_credits=welcomed.free_credits, free_credits_reason=welcomed.free_credits_reason
        )

    def resend_code(self, body: contract.ResendCode) -> contract.CodeSent:
        """Mail the code again. The answer does not tell whether there is such an account."""
        self.cognito.resend_code(normalise_email(body.email))
        return contract.CodeSent(sent=True)

    def login(self, body: contract.Login, network: str = "") -> contract.LoggedIn:
        """Tokens for a password; makes up for a profile or free credits that a crash left out."""
        email = normalise_email(body.email)
        tokens = self._signed_in(email, body.password)
        caller = self.verifier.caller(tokens.id_token)
        for _ in range(SIGN_OUT_TRIES):
            try:
                balance, person = self._known(caller, network)
                break
            except SignedOutError:
                self.pause(1.0)  # Signed out within this very second: a sign-in of the next one is good.
                tokens = self.cognito.sign_in(email, body.password)
                caller = self.verifier.caller(tokens.id_token)
        else:
            raise UnavailableError("The account was signed out just now: sign in again.")
        if person.has_new_password:  # Whoever set it died before ending the sign-ins of the old one.
            self.ledger.sign_out(person.user_id, before_at=caller.auth_time_at)
            self._note_new_password(person.user_id, False)
        if person.is_owed_credits:  # A cap stood in the way when the account was made.
            person = self.free_credits.try_again(person, network)
            balance = self.ledger.balance(person.user_id) if person.free_credits else balance
        return contract.LoggedIn(user=_user(person, balance, caller.groups), **_token_fields(tokens))

    def forgot_password(self, body: contract.ForgotPassword) -> contract.CodeSent:
        """Mail a code for a new password. Neither the answer nor its time tells whether there is such an account."""
        email = normalise_email(body.email)
        with self._in_even_time():
            self.cognito.send_reset_code(email)
        return contract.CodeSent(sent=True)

    def reset_password(self, body: contract.ResetPassword) -> contract.PasswordReset:
        """Set a password with the mailed code; every earlier sign-in ends. Raises InvalidRequestError (code, password).

        A process that dies after the code was used leaves a note: the next sign-in ends the earlier ones then.
        """
        email = normalise_email(body.email)
        with self._in_even_time():
            user_id = self._user_id(email)
            is_ours = self._note_new_password(user_id, True)
            try:
                self.cognito.reset_password(email, body.code, body.password)
            except (InvalidRequestError, RateLimitedError):
                if is_ours:  # Nothing was changed: a stranger's guess signs nobody out.
                    self._note_new_password(user_id, False)
                raise  # Else it is of a try whose answer was lost, and which may have used the code up.
        # This ends refresh tokens too: what they bring tells the time of the sign-in that they are of.
        self.ledger.sign_out(user_id, before_at=self.now() + 1)
        self._note_new_password(user_id, False)
        with suppress(UnavailableError):
            self.cognito.sign_out_everywhere(user_id)
        return contract.PasswordReset(reset=True)

    def rename(self, caller: Caller, body: contract.UpdateUser) -> contract.User:
        """The caller's profile under another name."""
        balance, person = self._known(caller)
        self.cognito.rename(caller.user_id, body.name)
        try:
            self.tables.write(profile_renamed(caller.user_id, body.name))
        except WriteRefusedError as refusal:
            raise UnauthenticatedError("This account was deleted.", "signed_out") from refusal
        return _user(replace(person, name=body.name), balance, caller.groups)

    def refresh(self, body: contract.Refresh) -> contract.Tokens:
        """New tokens for a refresh token. Raises InvalidCredentialsError, AccountBlockedError, UnauthenticatedError."""
        tokens = self.cognito.refresh(body.refresh_token)
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
        return contract.LoggedOut(signed_out=True)

    def user(self, caller: Caller) -> contract.User:
        """The caller's profile and balance."""
        balance, person = self._known(caller)
        return _user(person, balance, caller.groups)

    @contextmanager
    def _in_even_time(self) -> Iterator[None]:
        """Take as long, whether there is somebody to mail or not, as long as the user pool is no slower than that."""
        began = self.elapsed()
        try:
            yield
        finally:
            self.pause(max(0.0, EVEN_SECONDS - (self.elapsed() - began)))

    def _user_id(self, email: str) -> str:
        """Whose address it is; empty if nobody's."""
        try:
            return self.cognito.person(email).user_id
        except InvalidCredentialsError:
            return ""

    def _note_new_password(self, user_id: str, has: bool) -> bool:
        """Whether this changed what is noted."""
        try:
            self.tables.write(profile_with_new_password(user_id, has))
        except WriteRefusedError:  # It stood so; or it is nobody, or an account that never got as far as a profile.
            return False
        return True

    def _signed_in(self, email: str, password: str) -> SignIn:
        try:
            return self.cognito.sign_in(email, password)
        except EmailUnverifiedError:
            if self.is_verification_on:
                raise
            self.cognito.confirm_without_code(email)  # A crash came between signing up and this.
            return self.cognito.sign_in(email, password)

    def _known(self, caller: Caller, network: str = "") -> tuple[Balance, Profile]:
        balance, (item,) = self.ledger.admit(caller, extra_keys=[profile_key(caller.user_id)])
        found = profile(caller.user_id, item)
        if found:
            return balance, found
        if not caller.email:
            raise UnauthenticatedError("This token has no email address. Sign in again.", "wrong_token")
        if self.is_verification_on and not caller.is_email_verified:
            raise EmailUnverifiedError("Confirm your email first: a code was sent to it.")
        welcomed = self.free_credits.open(caller.user_id, caller.email, caller.name, network)
        return self.ledger.balance(caller.user_id), welcomed


def _user(person: Profile, balance: Balance, groups: tuple[str, ...] = ()) -> contract.User:
    return contract.User(
        user_id=person.user_id,
        email=person.email,
        created_at=rfc3339(person.created_at),
        credits=contract.CreditSummary(available=balance.available, held=balance.held),
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
