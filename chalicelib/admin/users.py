"""What administrators do for users and against them: change credits, block accounts; each action is recorded.

An action and its record are one transaction: no action without a record, and no record without an action.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .. import contract
from ..errors import ConflictError, IdempotencyMismatchError, InvalidRequestError, NotFoundError, UnavailableError
from ..models.accounts import Caller
from ..models.admin_actions import AdminAction
from ..models.ledger import Balance
from ..repositories.admin_actions import put_action, request_record_from, request_record_key, request_record_put
from ..repositories.ledger import BalanceChangedError, ExtraWriteRefusedError, Guard, Ledger
from ..repositories.ledger_items import balance_key, balance_of
from ..repositories.shares import end_share, hash_of, load_share, token_in
from ..repositories.table import Tables, WriteRefusedError
from ..repositories.transcripts import transcript_key

GRANT, CLAWBACK = "admin_grant", "admin_clawback"
TRIES = 24
NO_SHARE = "No transcript is shared at this address."


@dataclass(frozen=True)
class UserAdministration:
    """The actions of administrators. Every method refuses an administrator who is blocked or signed out."""

    ledger: Ledger
    tables: Tables
    now: Callable[[], int]  # epoch seconds, UTC
    new_ulid: Callable[[], str]

    def adjust_credits(
        self, admin: Caller, body: contract.GiveCredits, action_id: str, body_hash: str
    ) -> contract.CreditsGiven:
        """Grant credits, or take them back, also below zero. A retry with the same `action_id` has the same response.

        Raises InvalidRequestError, NotFoundError, IdempotencyMismatchError, ConflictError.
        """
        if body.credits == 0:
            raise InvalidRequestError("Enter an amount other than 0.", "credits")
        keys = [request_record_key(action_id), balance_key(body.user_id)]
        _, (request_record, account) = self.ledger.admit(admin, extra_keys=keys)
        is_new = True
        for _ in range(TRIES):
            if request_record:
                first_action, first_hash = request_record_from(request_record)
                if first_hash != body_hash:
                    raise IdempotencyMismatchError("This Idempotency-Key was already used with different parameters.")
                return _credits_given(first_action)
            if not is_new:
                message = "This request was already processed. See the user's transactions."
                raise ConflictError(message, "already_done")
            if account is None or balance_of(account).deleted:
                raise NotFoundError("There is no such user.")
            try:
                if action := self._adjust(admin, body, action_id, body_hash, balance_of(account)):
                    return _credits_given(action)
                is_new = False  # The same request was processed at this moment, or days ago.
            except (BalanceChangedError, ExtraWriteRefusedError):  # The user used or bought credits meanwhile.
                pass
            request_record, account = self.tables.get_many(keys)
        raise UnavailableError("The account is busy with other requests. Retry the request.")

    def _adjust(
        self, admin: Caller, body: contract.GiveCredits, action_id: str, body_hash: str, balance: Balance
    ) -> AdminAction | None:
        """The action; None if the same request was processed before."""
        action = self._action(
            admin,
            body.user_id,
            "credits_given" if body.credits > 0 else "credits_taken",
            body.reason,
            before={"available": balance.available},
            after={"available": balance.available + body.credits},
        )
        is_first = self.ledger.grant(
            body.user_id,
            body.credits,
            GRANT if body.credits > 0 else CLAWBACK,
            Guard.reference(body.user_id, "admin", action_id),
            at=self.now(),
            reason=body.reason,
            reference=action_id,
            of=balance,
            extra_writes=[*put_action(action), request_record_put(action_id, action, body_hash)],
        )
        return action if is_first else None

    def set_blocked(self, admin: Caller, user_id: str, blocked: bool, reason: str) -> contract.BlockState:
        """Block the account at once, or unblock it; repeating the call changes nothing.

        Raises NotFoundError, and InvalidRequestError for the administrator's own account.
        """
        self.ledger.admit(admin)
        if blocked and user_id == admin.user_id:
            raise InvalidRequestError("You cannot block your own account. Ask another administrator.", "user_id")
        name = "blocked" if blocked else "unblocked"
        action = self._action(admin, user_id, name, reason, before={"blocked": not blocked}, after={"blocked": blocked})
        self.ledger.set_blocked(user_id, blocked, extra_writes=put_action(action))
        return contract.BlockState(user_id=user_id, is_blocked=blocked)

    def end_share(self, admin: Caller, address: str, reason: str) -> contract.ShareEndedByAdmin:
        """End the share of the transcript at this address, of any user. Raises NotFoundError."""
        self.ledger.admit(admin)
        share_hash = hash_of(token_in(address))
        share = load_share(self.tables, share_hash)
        if share is None:
            raise NotFoundError(NO_SHARE)
        action = self._action(admin, share.user_id, "share_ended", reason, {"shared": True}, {"shared": False})
        line = transcript_key(share.user_id, share.transcript_id)
        try:
            self.tables.transact([*end_share(line, share_hash), *put_action(action)])
        except WriteRefusedError as refusal:  # It ended at this moment.
            raise NotFoundError(NO_SHARE) from refusal
        return contract.ShareEndedByAdmin(user_id=share.user_id, is_shared=False)

    def _action(
        self,
        admin: Caller,
        user_id: str,
        name: str,
        reason: str,
        before: dict[str, int | bool],
        after: dict[str, int | bool],
    ) -> AdminAction:
        return AdminAction(self.new_ulid(), self.now(), admin.user_id, name, user_id, reason, before, after)


def _credits_given(action: AdminAction) -> contract.CreditsGiven:
    available = action.after["available"]
    return contract.CreditsGiven(
        user_id=action.user_id,
        credits=available - action.before["available"],
        available=available,
        action_id=action.action_id,
    )
