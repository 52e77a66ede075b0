"""Email addresses: how they are stored, and which of them reach the same person. Pure rules."""

import re
import unicodedata

from ..contract.base import WHOLE_ADDRESS
from ..errors import InvalidRequestError

DOTLESS_DOMAINS = {"gmail.com", "googlemail.com"}
# A mailbox without the rare forms of RFC 5322, whose quotes and comments would give one mailbox many spellings; and a
# public domain: names with a dot between them and none at the end, not an address in brackets or of four numbers.
NEW_MAILBOX = re.compile(r"[^\s\"(),.:;<>@\[\\\]]+(\.[^\s\"(),.:;<>@\[\\\]]+)*")
NEW_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def normalise_email(email: str) -> str:
    """The address as Cognito stores it, with one spelling for letter case, look-alike characters and the domain.

    Raises InvalidRequestError if the result is not an email address.
    """
    mailbox, at, domain = unicodedata.normalize("NFKC", email.strip()).lower().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not at or not domain or not 1 <= len(mailbox) <= 64 or "@" in mailbox or not mailbox.isprintable():
        raise InvalidRequestError(WHOLE_ADDRESS, "email")
    if " " in mailbox or " " in domain:
        raise InvalidRequestError(WHOLE_ADDRESS, "email")
    return f"{mailbox}@{domain}"


def normalise_new_email(email: str) -> str:
    """As `normalise_email`, for a sign-up: refuses what no mail service gives its users.

    Accounts that have such an address keep it.
    """
    normalised = normalise_email(email)
    mailbox, _, domain = normalised.rpartition("@")
    if not NEW_MAILBOX.fullmatch(mailbox) or not NEW_DOMAIN.fullmatch(domain):
        raise InvalidRequestError("Give a whole email address, such as ada@example.com.", "email")
    return normalised


def canonical_email(email: str) -> str:
    """One spelling for all addresses that reach the same person: `A.da+x@googlemail.com` → `ada@gmail.com`.

    Every large mail service treats the part after a plus as a tag; only Gmail ignores dots.
    """
    mailbox, _, domain = normalise_email(email).rpartition("@")
    mailbox = mailbox.partition("+")[0] or mailbox
    domain = domain.rstrip(".")
    if domain in DOTLESS_DOMAINS:
        mailbox, domain = mailbox.replace(".", ""), "gmail.com"
    return f"{mailbox}@{domain}"


def domain_of(email: str) -> str:
    """The domain of the address, without a final dot."""
    return normalise_email(email).rpartition("@")[2].rstrip(".")
