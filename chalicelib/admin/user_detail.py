"""One user whole, for support: the account, the credits and what holds them, what the user costs and earns, and what
administrators did. Never a word of the user: no title, no text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import asdict

from .. import contract
from ..dates import day_range, utc_date
from ..errors import NotFoundError
from ..models.accounts import Account, Caller
from ..models.ledger import Balance, DayTotal
from ..models.purchases import Purchase
from ..pricing.price_files import MICRO_USD_PER_CENT, load
from ..repositories.admin_actions import recent_actions
from ..repositories.held_credits import leased_sessions, open_dispute_holds
from ..repositories.ledger import Ledger
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.profiles import load_emails
from ..repositories.purchases import list_purchases
from ..repositories.table import Tables
from .user_list import Directory, user_item

ACTIONS_SHOWN, PURCHASES_COUNTED = 50, 100


@dataclass(frozen=True)
class UserDetails:
    """Reads one user. The reads are bounded: they grow with neither entries nor transcripts."""

    ledger: Ledger
    tables: Tables
    directory: Directory
    now: Callable[[], int]  # epoch seconds, UTC

    def load(self, admin: Caller, user_id: str) -> contract.UserDetail:
        """The user as of now. Raises NotFoundError, also for a deleted account."""
        _, (item,) = self.ledger.admit(admin, extra_keys=[balance_key(user_id)])
        accounts, _ = self.directory.accounts("", user_id, 1, "")
        balance = balance_of(item)
        if not accounts or balance.deleted:
            raise NotFoundError("There is no such user.")
        return self._detail(accounts[0], balance)

    def _detail(self, account: Account, balance: Balance) -> contract.UserDetail:
        actions = recent_actions(self.tables, ACTIONS_SHOWN, account.user_id)
        emails, _ = load_emails(self.tables, {action.admin_id for action in actions})
        return contract.UserDetail(
            **asdict(user_item(account, balance)),
            open_disputes=balance.open_disputes,
            holds=self._holds(account.user_id, balance),
            figures=self._figures(account.user_id),
            actions=[contract.AdminActionItem.of(action, emails[action.admin_id]) for action in actions],
        )

    def _holds(self, user_id: str, balance: Balance) -> list[contract.UserHold]:
        """What holds credits: sessions and disputes one by one, and the rest as one sum."""
        if balance.held == 0:
            return []
        holds = [
            contract.UserHold(kind="session", credits=session.held, reference=session.session_id)
            for session in leased_sessions(self.tables, user_id)
            if session.held
        ]
        if balance.open_disputes:
            holds += [
                contract.UserHold(kind="dispute", credits=hold.credits, reference=hold.reference)
                for hold in open_dispute_holds(self.tables, user_id)
            ]
        work = balance.held - sum(hold.credits for hold in holds)
        return [*holds, contract.UserHold(kind="work", credits=work)] if work > 0 else holds

    def _figures(self, user_id: str) -> contract.UserFigures:
        days = day_range(None, None, self.now())
        purchases, _ = list_purchases(self.tables, user_id, PURCHASES_COUNTED)
        paid = [p for p in purchases if p.booked.granted and utc_date(p.created_at) >= days[0]]
        return _figures(days, self.ledger.day_totals(user_id, days[0], days[-1]), paid)


def _figures(days: Sequence[str], used: Sequence[DayTotal], paid: Sequence[Purchase]) -> contract.UserFigures:
    revenue_cents = sum(purchase.cents - purchase.booked.returned_cents for purchase in paid)
    cost = sum(day.cost_micro_usd for day in used)
    fees = sum(load(purchase.price_version).payment_fee_micro_usd(purchase.cents) for purchase in paid)
    return contract.UserFigures(
        from_day=days[0],
        to_day=days[-1],
        credits_used=sum(day.credits for day in used),
        seconds=sum(day.audio_ms for day in used) // 1000,
        uses=sum(day.entries for day in used),
        revenue_cents=revenue_cents,
        provider_cost_micro_usd=cost,
        payment_fees_micro_usd=fees,
        margin_micro_usd=revenue_cents * MICRO_USD_PER_CENT - cost - fees,
    )
