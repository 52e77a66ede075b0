"""Email addresses: as they are kept, and which of them reach one person. Pure rules."""

import unicodedata

from ..errors import InvalidRequestError

DOTLESS_DOMAINS = {"gmail.com", "googlemail.com"}


def normalise_email(email: str) -> str:
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


def canonical_email(email: str) -> str:
    """One word for all spellings that reach one person: `A.da+x@googlemail.com` → `ada@gmail.com`.

    Everything after a plus is a tag with every large mail service; dots mean nothing at Gmail alone.
    """
    mailbox, _, domain = normalise_email(email).rpartition("@")
    mailbox = mailbox.partition("+")[0] or mailbox
    domain = domain.rstrip(".")
    if domain in DOTLESS_DOMAINS:
        mailbox, domain = mailbox.replace(".", ""), "gmail.com"
    return f"{mailbox}@{domain}"


def domain_of(email: str) -> str:
    """The domain that the address is of, without a last dot."""
    return normalise_email(email).rpartition("@")[2].rstrip(".")
