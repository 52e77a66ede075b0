"""Makes the sign-in of a new account in the user pool, and confirms it.

Only who reads the mailbox opens an account where addresses are verified. Until its code is used, a sign-up proves
nothing, and the next one of the same address replaces it. Its password may be anybody's. So it opens the account only
if the only sign-up and the code come from one network; otherwise that takes a password which comes with a mailed code.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..dates import DAY_SECONDS
from ..errors import EmailTakenError, InvalidCredentialsError, InvalidRequestError, RateLimitedError, UnavailableError
from ..providers.cognito import Cognito, Person
from ..providers.cognito_errors import invalid_code_error
from ..repositories.daily_caps import claim_daily_amount
from ..repositories.ledger import Ledger
from ..repositories.needed_passwords import end_need, is_password_needed, need_password, was_code_used
from ..repositories.sign_up_locks import lock_sign_up, unlock_sign_up
from ..repositories.sign_up_networks import is_network_of, note_network
from ..repositories.table import Tables
from .email_address import canonical_email
from .mail import Mail

REPLACEMENTS_PER_DAY = 5  # of one address; each sends a mail that the user pool's own limit per account does not count
REPEATED_CODES_PER_DAY = 5  # of one address, while its password is not set
RETRY_SECONDS = 900  # for which a code that was used without its password being set can be sent again
# The user pool's own rule. Source: Amazon Cognito API reference, `Password`: ^[\S]+.*[\S]+$
PASSWORD = re.compile(r"\S.*\S", re.ASCII)
LINE_ENDS = re.compile("[\n\r\x85\u2028\u2029]")


def check_password(password: str) -> None:
    """Raises InvalidRequestError for a password that the user pool would not take, whatever its length."""
    if LINE_ENDS.search(password) or not PASSWORD.fullmatch(password):
        message = "A password neither begins nor ends with a space, and has no line breaks."
        raise InvalidRequestError(message, "password")


@dataclass(frozen=True)
class SignUps:
    """`is_verification_on`: addresses are confirmed with a mailed code; otherwise no mail is sent."""

    cognito: Cognito
    ledger: Ledger
    tables: Tables
    mail: Mail
    identity_key: str = field(repr=False)
    is_verification_on: bool
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def create(self, email: str, password: str, name: str, network: str) -> str:
        """Sign up; returns the user id. `network`: the client's address.

        Raises EmailTakenError, InvalidRequestError (password), RateLimitedError, UnavailableError.
        """
        check_password(password)
        if self.is_verification_on:
            self.mail.claim(network)
        with self._exclusive_use(email):
            if not self.is_verification_on:
                return self._create_confirmed(email, password, name)
            # Without a mail, the sign-up that waits is kept: its code is the only one there is.
            return self.mail.send(
                lambda: self._sign_up(email, password, name, network), lambda: not self._is_waiting(email)
            )

    def confirm(self, email: str, code: str, password: str, network: str) -> bool:
        """Use the mailed code, and make the `password` that is sent with it the only one.

        Returns whether the account has a password. Otherwise none opens it until one is set with a mailed code: this
        one again, or another. Safe to repeat, also after a crash. Raises InvalidRequestError (code, password),
        UnavailableError.
        """
        if password:
            check_password(password)
        with self._exclusive_use(email):
            if not password and self._is_own_password(email, network):
                self.cognito.confirm(email, code)
                return True
            self._use_code(email, code)
            self._set_password(email, password or secrets.token_urlsafe(32))
            if password:
                self.note_password_set(email)
            return bool(password)

    def is_password_needed(self, email: str) -> bool:
        """Whether the password that the user pool has for this address may be that of another person."""
        return self.is_verification_on and is_password_needed(self.tables, self._address(email))

    def note_password_set(self, email: str) -> None:
        """Who reads the mailbox has set the password, and no earlier sign-in is left."""
        end_need(self.tables, self._address(email))

    def _is_own_password(self, email: str, network: str) -> bool:
        """Whether the password of the only sign-up is taken to be that of the person who confirms from `network`."""
        person = self._find(email)
        if person is None or not network or self.is_password_needed(email):
            return False
        return is_network_of(self.tables, self._address(email), person.user_id, self._hash("network", network))

    def _sign_up(self, email: str, password: str, name: str, network: str) -> str:
        try:
            user_id = self.cognito.sign_up(email, password, name)
            with suppress(UnavailableError):  # Then the password has to be sent with the code.
                note_network(self.tables, self._address(email), user_id, self._hash("network", network), self.now())
            return user_id
        except EmailTakenError:
            earlier = self.cognito.person(email)
            if earlier.is_confirmed:
                raise
            address, now = self._address(email), self.now()
            person = self._address(canonical_email(email))  # Mails to all their addresses reach one person.
            if not claim_daily_amount(self.tables, f"sign-up#{person}", 1, REPLACEMENTS_PER_DAY, now):
                message = "This address was registered too often today. Confirm it with the code of the last email."
                raise RateLimitedError(message, retry_after_seconds=DAY_SECONDS - now % DAY_SECONDS) from None
            need_password(self.tables, address, "", now)
            self.cognito.delete(earlier.user_id)
            return self.cognito.sign_up(email, secrets.token_urlsafe(32), name)

    def _is_waiting(self, email: str) -> bool:
        """Whether a sign-up of the address is to be confirmed."""
        person = self._find(email)
        return person is not None and not person.is_confirmed

    def _is_confirmed(self, email: str) -> bool:
        person = self._find(email)
        return person is not None and person.is_confirmed

    def _find(self, email: str) -> Person | None:
        try:
            return self.cognito.person(email)
        except InvalidCredentialsError:
            return None

    def _use_code(self, email: str, code: str) -> None:
        """Confirm the address, which needs a password from now on until it is set.

        Accepts the code again that an attempt used which ended before the password was set.
        """
        address, used, now = self._address(email), self._hash("code", f"{email}\n{code}"), self.now()
        if self._is_confirmed(email):
            if not is_password_needed(self.tables, address):
                raise invalid_code_error()
            # The user pool does not count these attempts: it has used the code.
            if not claim_daily_amount(self.tables, f"code#{address}", 1, REPEATED_CODES_PER_DAY, now):
                message = "A used code was sent too often. Set the password with /auth/forgot-password."
                raise RateLimitedError(message, retry_after_seconds=DAY_SECONDS - now % DAY_SECONDS)
            if not was_code_used(self.tables, address, used, now - RETRY_SECONDS):
                raise invalid_code_error()
            return
        was_needed = is_password_needed(self.tables, address)
        need_password(self.tables, address, used, now)  # First: the pool takes the earlier password once it confirmed.
        try:
            self.cognito.confirm(email, code)
        except (InvalidRequestError, RateLimitedError) as error:
            if self._is_confirmed(email):  # The pool's answer was lost, and it refused the code when it was sent again.
                raise UnavailableError("The address was confirmed without its password. Retry the request.") from error
            if was_needed:
                need_password(self.tables, address, "", now)
            else:
                end_need(self.tables, address)
            raise

    def _set_password(self, email: str, password: str) -> None:
        """Replace the password of the sign-up, and end the sign-ins that it may have opened."""
        user_id = self.cognito.person(email).user_id
        self.cognito.set_password(user_id, password)
        self.ledger.sign_out(user_id, before_at=self.now() + 1)  # Refresh tokens too: they keep their sign-in's time.
        with suppress(UnavailableError):
            self.cognito.sign_out_everywhere(user_id)

    def _create_confirmed(self, email: str, password: str, name: str) -> str:
        temporary_password = self._hash("temporary password", email)
        try:
            user_id = self.cognito.create_user(email, name, temporary_password)
        except EmailTakenError:
            earlier = self.cognito.person(email)
            if not self._is_unfinished(earlier, temporary_password):
                raise
            if not earlier.is_confirmed:  # Signed up while addresses were verified on this stage.
                self.cognito.confirm_without_code(email)
            user_id = earlier.user_id
        self.cognito.set_password(user_id, password)
        return user_id

    def _is_unfinished(self, person: Person, temporary_password: str) -> bool:
        """Whether it is a sign-up that was never confirmed, or one whose process died before it set the password.

        An account that an administrator created waits for its password too, but its temporary one is not ours.
        """
        is_open = not person.is_confirmed or (
            not person.has_password and self.cognito.is_temporary_password(person.email, temporary_password)
        )
        return is_open and not self.cognito.groups(person.user_id)

    @contextmanager
    def _exclusive_use(self, email: str) -> Iterator[None]:
        """No request replaces a sign-up, or its password, while another one creates or confirms it."""
        address = self._address(email)
        owner = self.new_id()
        if not lock_sign_up(self.tables, address, owner, self.now()):
            raise UnavailableError("This email address is being registered or confirmed. Retry the request.")
        try:
            yield
        finally:
            with suppress(UnavailableError):  # It ends by itself.
                unlock_sign_up(self.tables, address, owner)

    def _address(self, email: str) -> str:
        return self._hash("sign-up", email)

    def _hash(self, use: str, text: str) -> str:
        return hmac.new(self.identity_key.encode(), f"{use}\n{text}".encode(), hashlib.sha256).hexdigest()
