"""Builds the use cases of administrators: users, purchases, costs and health."""

from functools import lru_cache
from typing import TYPE_CHECKING

from . import aws, providers
from .aws import settings
from .common import aggregates, common, cursors

if TYPE_CHECKING:
    from ..admin.costs import CostReport
    from ..admin.health import HealthReport
    from ..admin.user_detail import UserDetails
    from ..admin.user_list import UserList
    from ..admin.users import UserAdministration
    from ..payments.administration import PurchaseAdministration


@lru_cache
def user_administration() -> "UserAdministration":
    from ..admin.users import UserAdministration

    return UserAdministration(**common().of(UserAdministration))


@lru_cache
def user_list() -> "UserList":
    from ..admin.user_list import UserList

    return UserList(**common().of(UserList), directory=aws.cognito(), cursors=cursors())


@lru_cache
def user_details() -> "UserDetails":
    from ..admin.user_detail import UserDetails

    return UserDetails(**common().of(UserDetails), directory=aws.cognito())


@lru_cache
def purchase_administration() -> "PurchaseAdministration":
    from ..payments.administration import PurchaseAdministration

    return PurchaseAdministration(
        **common().of(PurchaseAdministration), gateway=providers.payments(), cursors=cursors()
    )


@lru_cache
def cost_report() -> "CostReport":
    from ..admin.costs import CostReport

    return CostReport(**common().of(CostReport), aggregates=aggregates(), cursors=cursors())


@lru_cache
def health_report() -> "HealthReport":
    from ..admin.health import HealthReport
    from ..payments.reconciliation import STUCK_AFTER_SECONDS

    return HealthReport(
        **common().of(HealthReport),
        aggregates=aggregates(),
        alarms=aws.alarms(),
        dead_letters=aws.dead_letters(),
        stage=settings().stage,
        lowest_margin_percent=settings().lowest_margin_percent,
        purchase_stuck_after_seconds=STUCK_AFTER_SECONDS,
    )
