"""Every state in which panel, popup and overlay can show a live session, with the sentences that tell it."""

from dataclasses import dataclass, replace
from typing import Any

from tests.extension.panel_page import PanelPage, text

GAP = {"startMs": 1_000, "endMs": 9_000, "reason": "not_recognised"}
ENDS = (
    "stopped",
    "insufficient_credits",
    "account_blocked",
    "signed_out",
    "stopped_elsewhere",
    "deleted",
    "resume_expired",
    "provider_failed",
    "failed",
)
WARNINGS = ("no_audio", "save_failing", "words_limit", "words_rejected")
"""Those that have a sentence of their own, the same in the panel and in the tab."""


@dataclass(frozen=True)
class SessionState:
    """`changes`: what the view has beside words. `panel`, `overlay`: a part of what each of them says.

    The panel says it beside the name of the state, and may have nothing to add.
    """

    name: str
    changes: dict[str, Any]
    panel: str
    overlay: str
    seq: int = 0
    is_in_words: bool = False
    """Whether only a place that shows words can show it: the popup has none."""

    @property
    def view(self) -> dict[str, Any]:
        caption = {"seq": self.seq, "text": self.words, "startMs": 0, "endMs": 900}
        own = {"sessionId": self.name, "transcriptId": "t", "tabTitle": "Stand-up", "captions": [caption], "gaps": []}
        return own | self.changes

    @property
    def words(self) -> str:
        """Those of its only caption, which no other state has."""
        return f"Good morning: {self.name}."

    @property
    def has_ended(self) -> bool:
        return bool(self.changes["state"] == "ended")

    def wait_in(self, page: PanelPage) -> None:
        """Wait until the panel or the popup shows it."""
        if not self.has_ended:
            page.wait_for_state(self.changes["state"])
        if self.panel:
            page.wait_for_text(self.panel)


def view_with_warning(code: str) -> dict[str, Any]:
    """The part of a live view in which this warning is on; the end of a lease is not drawn."""
    drawn = {} if code == "lease_ending" else {"warning": {"code": code}}
    return {"state": "live", "warnings": [code]} | drawn


def _around_number(name: str) -> str:
    """A sentence without its number: the longer part before or after it."""
    return max(text(name).split("$1"), key=len)


def _states() -> list[SessionState]:
    listening = text("overlay_listening")
    lease = {"lease": {"creditsPerMinute": 10}, "credits": {"minutesLeft": 19}}
    low, last = {"credits": {"minutesLeft": 1}}, {"credits": {"minutesLeft": 1, "endsInSeconds": 60}}
    low_sentences = _around_number("live_credits_low"), _around_number("overlay_credits_low")
    last_sentences = _around_number("live_ends_in"), _around_number("overlay_ends_in")
    active = [
        SessionState(state, {"state": state}, sentence, text(f"overlay_{state}"))
        for state, sentence in (
            ("starting", ""),
            ("reconnecting", text("overlay_reconnecting")),
            ("paused", text("live_paused")),
            ("stopping", text("overlay_stopping")),
        )
    ]
    live = [
        SessionState("live", {"state": "live"} | lease, "", text("overlay_lease", v1="10 credits", v2="19")),
        SessionState(
            "partial words", {"state": "live", "partial": {"text": "and then"}}, "and then", listening, is_in_words=True
        ),
        SessionState(
            "gap",
            {"state": "live", "gaps": [GAP]},
            _around_number("gap"),
            text("overlay_gap", v1="8"),
            is_in_words=True,
        ),
        SessionState("overlay hidden", {"state": "live", "overlay": "hidden"}, text("live_show_overlay"), listening),
        SessionState("no overlay", {"state": "live", "overlay": "unavailable"}, text("live_no_overlay"), listening),
    ]
    warnings = [
        SessionState("credits_low", view_with_warning("credits_low") | low, *low_sentences),
        SessionState("credits running out", {"state": "live"} | last, *last_sentences),
        SessionState("lease_ending", view_with_warning("lease_ending"), "", listening),
        *(
            SessionState(code, view_with_warning(code), text(f"overlay_{code}"), text(f"overlay_{code}"))
            for code in WARNINGS
        ),
    ]
    cost = {"billedSeconds": 60, "creditsUsed": 10}
    ends = [_end_state(reason, text(f"overlay_ended_{reason}"), reason, **cost) for reason in ENDS]
    return [
        *active,
        *live,
        *warnings,
        *ends,
        _end_state("tab closed", text("ended_tab_closed"), "stopped", cause="tab_closed", **cost),
        _not_saved_state(),
        _end_state("ended without a bill", text("overlay_ended_provider_failed"), "provider_failed"),
    ]


def _end_state(name: str, sentence: str, reason: str, **more: Any) -> SessionState:
    changes = {"state": "ended", "ended": {"reason": reason} | more}
    return SessionState(name, changes, sentence, text(f"overlay_ended_{reason}"))


def _not_saved_state() -> SessionState:
    sentence = text("overlay_ended_not_saved")
    changes = {"state": "ended", "ended": {"reason": "stopped"}, "error": {"name": "NetworkError"}}
    return SessionState("not saved", changes, sentence, sentence)


STATES = [replace(state, seq=number) for number, state in enumerate(_states(), start=1_000)]
