"""User accounts: registration, confirmation, sign-in and sign-out, passwords and profiles.

Cognito stores the sign-ins; the profile and the free credits are stored here, in one write. If a process dies between
the two, the account lacks them until the next sign-in creates them.
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
from ..repositories.profiles import profile_from, profile_key, rename_profile, set_has_new_password
from ..repositories.table import Tables, WriteRefusedError
from .email_address import normalise_email, normalise_new_email
from .free_credits import FreeCredits
from .mail import Mail
from .sign_ups import SignUps, check_password

SIGN_OUT_TRIES = 3
EVEN_SECONDS = 1.5  # above the time that the user pool needs to send an email


@dataclass(frozen=True)
class Accounts:
    """The account of one user."""

    cognito: Cognito
    verifier: TokenVerifier
    ledger: Ledger
    free_credits: FreeCredits
    sign_ups: SignUps
    mail: Mail
    is_verification_on: bool
    tables: Tables
    now: Callable[[], int]
    pause: Callable[[float], None]
    elapsed: Callable[[], float]  # seconds since any moment

    def register(self, body: contract.Register, network: str = "") -> contract.Registered:
        """Create an account; it is signed in at once where no confirmation is needed. `network`: the client's address.

        An address whose sign-up was never confirmed is free. Raises EmailTakenError, InvalidRequestError (address,
        password), RateLimitedError, UnavailableError.
        """
        email = normalise_new_email(body.email)
        user_id = self.sign_ups.create(email, body.password, body.name, network)
        if self.is_verification_on:
            profile = Profile(user_id, email, body.name, self.now())
            reason = "You get the free credits once you confirm your email address."
            return contract.Registered(
                user=_user(profile, Balance()), confirmation_required=True, free_credits=0, free_credits_reason=reason
            )
        profile = self.free_credits.open_account(user_id, email, body.name, network)
        tokens = self.cognito.sign_in(email, body.password)
        return contract.Registered(
            user=_user(profile, self.ledger.balance(user_id)),
            confirmation_required=False,
            free_credits=profile.free_credits,
            free_credits_reason=profile.free_credits_reason,
            **_token_fields(tokens),
        )

    def confirm(self, body: contract.Confirm, network: str = "") -> contract.Confirmed:
        """Confirm the address with the code from the email, and grant the free credits.

        A `password` in the body becomes that of the account. Without one, that of the sign-up may be another person's:
        it is kept only if it is known to come from the same network. `network`: the client's address.
        """
        email = normalise_email(body.email)
        has_password = self.sign_ups.confirm(email, body.code, body.password or "", network)
        account = self.cognito.person(email)
        profile = self.free_credits.open_account(account.user_id, email, account.name, network)
        return contract.Confirmed(
            confirmed=True,
            password_required=not has_password,
            free_credits=profile.free_credits,
            free_credits_reason=profile.free_credits_reason,
        )

    def resend_code(self, body: contract.ResendCode, network: str = "") -> contract.CodeSent:
        """Send the code again. Neither the response nor its timing reveals whether the account exists."""
        email = normalise_email(body.email)
        self.mail.claim(network)
        with self._even_time():
            self.mail.send(lambda: self.cognito.resend_code(email), lambda: self._has_account(email, confirmed=False))
        return contract.CodeSent(sent=True)

    def login(self, body: contract.Login, network: str = "") -> contract.LoggedIn:
        """Sign in with a password; creates the profile or free credits that a crash left out."""
        email = normalise_email(body.email)
        tokens = self._sign_in(email, body.password)
        caller = self.verifier.caller(tokens.id_token)
        for _ in range(SIGN_OUT_TRIES):
            try:
                balance, profile = self._load_account(caller, network)
                break
            except SignedOutError:
                self.pause(1.0)  # Signed out within the same second: a sign-in in the next second is valid.
                tokens = self.cognito.sign_in(email, body.password)
                caller = self.verifier.caller(tokens.id_token)
        else:
            raise UnavailableError("The account was signed out during this sign-in. Retry the request.")
        if profile.has_new_password:  # The process that set it died before it ended the earlier sign-ins.
            self.ledger.sign_out(profile.user_id, before_at=caller.auth_time_at)
            self._note_new_password(profile.user_id, False)
        if profile.is_owed_credits:  # A cap was reached when the account was created.
            profile = self.free_credits.grant_owed(profile, network)
            balance = self.ledger.balance(profile.user_id) if profile.free_credits else balance
        return contract.LoggedIn(user=_user(profile, balance, caller.groups), **_token_fields(tokens))

    def forgot_password(self, body: contract.ForgotPassword, network: str = "") -> contract.CodeSent:
        """Send a code for a new password. Neither the response nor its timing reveals whether the account exists."""
        email = normalise_email(body.email)
        self.mail.claim(network)
        with self._even_time():
            self.mail.send(
                lambda: self.cognito.send_reset_code(email), lambda: self._has_account(email, confirmed=True)
            )
        return contract.CodeSent(sent=True)

    def reset_password(self, body: contract.ResetPassword) -> contract.PasswordReset:
        """Set a password with the code from the email, and end every sign-in made before.

        If the process dies after the code was used, a note in the profile makes the next sign-in end the earlier ones.
        Raises InvalidRequestError (code, password).
        """
        check_password(body.password)
        email = normalise_email(body.email)
        with self._even_time():
            user_id = self._user_id(email)
            is_noted_now = self._note_new_password(user_id, True)
            try:
                self.cognito.reset_password(email, body.code, body.password)
            except (InvalidRequestError, RateLimitedError):
                if is_noted_now:  # Nothing was changed: a wrong guess must not sign the user out.
                    self._note_new_password(user_id, False)
                raise  # An older note stays: the attempt that left it may have used the code.
        # This ends refresh tokens too: the tokens that they bring have the time of their own sign-in.
        self.ledger.sign_out(user_id, before_at=self.now() + 1)
        self._note_new_password(user_id, False)
        with suppress(UnavailableError):
            self.cognito.sign_out_everywhere(user_id)
        self.sign_ups.note_password_set(email)
        return contract.PasswordReset(reset=True)

    def rename(self, caller: Caller, body: contract.UpdateUser) -> contract.User:
        """Change the caller's name."""
        balance, profile = self._load_account(caller)
        self.cognito.rename(caller.user_id, body.name)
        try:
            self.tables.write(rename_profile(caller.user_id, body.name))
        except WriteRefusedError as refusal:
            raise UnauthenticatedError(
                "This account was deleted. Register again to use the service.", "signed_out"
            ) from refusal
        return _user(replace(profile, name=body.name), balance, caller.groups)

    def refresh(self, body: contract.Refresh) -> contract.Tokens:
        """New tokens for a refresh token. Raises InvalidCredentialsError, AccountBlockedError, UnauthenticatedError."""
        tokens = self.cognito.refresh(body.refresh_token)
        # An outage here must not lose a rotated refresh token; every later call checks the account again.
        with suppress(UnavailableError):
            self.ledger.admit(self.verifier.caller(tokens.id_token))
        return contract.Tokens(**_token_fields(tokens))

    def logout(self, caller: Caller) -> contract.LoggedOut:
        """End every sign-in of the account: refresh tokens at Cognito, ID tokens here."""
        self.ledger.admit(caller)
        self.cognito.sign_out_everywhere(caller.user_id)
        # Tokens have the second of their sign-in, so all sign-ins of the current second count as earlier.
        self.ledger.sign_out(caller.user_id, before_at=max(self.now(), caller.auth_time_at) + 1)
        return contract.LoggedOut(signed_out=True)

    def user(self, caller: Caller) -> contract.User:
        """The caller's profile and balance."""
        balance, profile = self._load_account(caller)
        return _user(profile, balance, caller.groups)

    @contextmanager
    def _even_time(self) -> Iterator[None]:
        """Take the same time whether or not an email is sent, unless the user pool is slower than that."""
        started = self.elapsed()
        try:
            yield
        finally:
            self.pause(max(0.0, EVEN_SECONDS - (self.elapsed() - started)))

    def _user_id(self, email: str) -> str:
        """The user with this address; empty if there is none."""
        try:
            return self.cognito.person(email).user_id
        except InvalidCredentialsError:
            return ""

    def _has_account(self, email: str, *, confirmed: bool) -> bool:
        """Whether this address has an account with a password that is `confirmed` or not."""
        try:
            person = self.cognito.person(email)
        except InvalidCredentialsError:
            return False
        return person.has_password and person.is_confirmed == confirmed

    def _note_new_password(self, user_id: str, value: bool) -> bool:
        """Set or clear the note; return whether it changed."""
        try:
            self.tables.write(set_has_new_password(user_id, value))
        except WriteRefusedError:  # It had this value, or there is no profile.
            return False
        return True

    def _sign_in(self, email: str, password: str) -> SignIn:
        try:
            return self.cognito.sign_in(email, password)
        except EmailUnverifiedError:
            if self.is_verification_on:
                raise
            self.cognito.confirm_without_code(email)  # A process died between the two steps of registering.
            return self.cognito.sign_in(email, password)

    def _load_account(self, caller: Caller, network: str = "") -> tuple[Balance, Profile]:
        """The caller's balance and profile; creates them if a crash left them out."""
        balance, (item,) = self.ledger.admit(caller, extra_keys=[profile_key(caller.user_id)])
        profile = profile_from(caller.user_id, item)
        if profile:
            return balance, profile
        if not caller.email:
            raise UnauthenticatedError("This token has no email address. Sign in again.", "wrong_token")
        if self.is_verification_on and not caller.is_email_verified:
            raise EmailUnverifiedError("Confirm your email address first: a code was sent to it.")
        if self.sign_ups.is_password_needed(caller.email):  # Somebody else may have set the one that signed in.
            raise EmailUnverifiedError("Send the password again with the code, or ask for a code for a new password.")
        profile = self.free_credits.open_account(caller.user_id, caller.email, caller.name, network)
        return self.ledger.balance(caller.user_id), profile


def _user(profile: Profile, balance: Balance, groups: tuple[str, ...] = ()) -> contract.User:
    return contract.User(
        user_id=profile.user_id,
        email=profile.email,
        created_at=rfc3339(profile.created_at),
        credits=contract.CreditSummary(available=balance.available, held=balance.held),
        name=profile.name,
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
