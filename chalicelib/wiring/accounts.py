"""Builds the use case of accounts, with sign-ups, mails and free credits."""

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from . import aws
from .aws import secret, settings
from .common import common

if TYPE_CHECKING:
    from ..accounts.free_credits import FreeCreditRules
    from ..accounts.service import Accounts


@lru_cache
def accounts() -> "Accounts":
    from ..accounts.free_credits import FreeCredits
    from ..accounts.mail import Mail
    from ..accounts.service import Accounts
    from ..accounts.sign_ups import SignUps

    free_credits = FreeCredits(
        **common().of(FreeCredits), rules=free_credit_rules(), identity_key=secret("identity_hmac_key")
    )
    is_verification_on = settings().email_verification == "on"
    mail = Mail(
        **common().of(Mail),
        identity_key=secret("identity_hmac_key"),
        per_network_day=settings().emails_per_network_day,
    )
    sign_ups = SignUps(
        **common().of(SignUps),
        cognito=aws.cognito(),
        mail=mail,
        identity_key=secret("identity_hmac_key"),
        is_verification_on=is_verification_on,
    )
    return Accounts(
        **common().of(Accounts),
        cognito=aws.cognito(),
        verifier=aws.verifier(),
        free_credits=free_credits,
        sign_ups=sign_ups,
        mail=mail,
        is_verification_on=is_verification_on,
        pause=time.sleep,
        elapsed=time.monotonic,
    )


@lru_cache
def free_credit_rules() -> "FreeCreditRules":
    from ..accounts.free_credits import FreeCreditRules

    used = settings()
    return FreeCreditRules(
        free_credits=used.free_credits,
        accounts_per_network_day=used.free_credits_accounts_per_network_day,
        credits_per_day=used.free_credits_per_day,
        refused_domains=used.refused_domains,
    )
