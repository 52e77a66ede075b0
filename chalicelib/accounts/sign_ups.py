"""Makes the sign-in of a new account in the user pool, and confirms it.

Only who reads the mailbox opens an account where addresses are verified. Until its code is used, a sign-up proves
nothing, and the next one of the same address replaces it with its password.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..errors import EmailTakenError, InvalidRequestError, UnavailableError
from ..providers.cognito import Cognito
from ..repositories.sign_up_locks import lock_sign_up, unlock_sign_up
from ..repositories.table import Tables
from .mail import Mail

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
    tables: Tables
    mail: Mail
    identity_key: str = field(repr=False)
    is_verification_on: bool
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def create(self, email: str, password: str, name: str) -> str:
        """Sign up; returns the user id. Raises EmailTakenError, InvalidRequestError (password), UnavailableError."""
        check_password(password)
        if not self.is_verification_on:
            return self._create_confirmed(email, password, name)
        with self._exclusive_use(email):
            return self.mail.send(lambda: self._sign_up(email, password, name), lambda: True)

    def confirm(self, email: str, code: str, password: str) -> None:
        """Use the mailed code. A `password` that is sent with it replaces the one of the sign-up.

        Raises InvalidRequestError (code, password), UnavailableError.
        """
        if password:
            check_password(password)
        with self._exclusive_use(email):
            self.cognito.confirm(email, code)
            if password:
                self.cognito.set_password(email, password)

    def _sign_up(self, email: str, password: str, name: str) -> str:
        try:
            return self.cognito.sign_up(email, password, name)
        except EmailTakenError:
            earlier = self.cognito.person(email)
            if earlier.is_confirmed:
                raise
            self.cognito.delete(earlier.user_id)
            return self.cognito.sign_up(email, password, name)

    def _create_confirmed(self, email: str, password: str, name: str) -> str:
        try:
            user_id = self.cognito.create_user(email, name)
        except EmailTakenError:
            earlier = self.cognito.person(email)
            if earlier.is_confirmed and earlier.has_password:
                raise
            if not earlier.is_confirmed:  # Signed up while addresses were verified on this stage.
                self.cognito.confirm_without_code(email)
            user_id = earlier.user_id  # Or its process died before the password was set.
        self.cognito.set_password(user_id, password)
        return user_id

    @contextmanager
    def _exclusive_use(self, email: str) -> Iterator[None]:
        """No request replaces a sign-up while another one confirms it."""
        address = hmac.new(self.identity_key.encode(), f"sign-up\n{email}".encode(), hashlib.sha256).hexdigest()
        owner = self.new_id()
        if not lock_sign_up(self.tables, address, owner, self.now()):
            raise UnavailableError("This email address is being registered or confirmed. Retry the request.")
        try:
            yield
        finally:
            with suppress(UnavailableError):  # It ends by itself.
                unlock_sign_up(self.tables, address, owner)
