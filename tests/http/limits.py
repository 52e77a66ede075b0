"""What the emulated gateway cannot do, and so what `STACK=1` leaves out. Each is proven on the local server.

The one place: a test that is not named here runs against the deployed shape too.
"""

PREFLIGHT = "the emulated gateway answers OPTIONS without CORS headers"
BINARY = "the emulated gateway damages bytes that are no UTF-8"
CLOCK = "by the clock: deployed schedules run once in one or five minutes, these tests wait for half a second"
ORIGIN = "the emulated gateway has its stage in the address of its host, so that address is no origin"
HEADERS = "a gateway's own answer cannot carry a value with quotes, as Content-Security-Policy has them"
CROWD = "each of many requests at once starts a process here, which takes seconds: the stand-in's webhooks time out"
NO_LINE = "refused by the gateway: no function ran, so none wrote a line"

LIMITS = {
    "test_every_route_answers_a_preflight": PREFLIGHT,
    "test_a_preflight_never_allows_another_origin": PREFLIGHT,
    "test_http_audio.py::test_a_session_that_is_unknown_or_another_persons_is_404": BINARY,
    "test_http_audio.py::test_a_stopped_session_takes_no_audio": BINARY,
    "test_http_audio.py::test_audio_beyond_the_lease_is_refused_and_free": BINARY,
    "test_http_audio.py::test_good_audio_of_every_kind_is_billed_by_its_frames": BINARY,
    "test_http_audio.py::test_speech_comes_back_as_words_and_into_the_history": BINARY,
    "test_http_audio.py::test_the_same_chunk_many_times_at_once_is_heard_and_charged_once": BINARY,
    "test_nothing_that_is_secret_or_private_got_about": BINARY,
    '"title":"\\\\xff': BINARY,
    "is_400[b'\\\\xff": BINARY,
    "test_http_catchup_providers.py::test_a_lost_order_is_looked_for_until_it_is_known": CLOCK,
    "test_http_catchup_providers.py::test_an_order_that_fails": CLOCK,
    "test_http_catchup_providers.py::test_an_order_whose_answer_is_lost_is_not_made_twice": CLOCK,
    "test_lost_webhooks_are_found_in_the_list_of_events": CLOCK,
    "test_a_payment_that_no_event_tells_of_is_asked_for": CLOCK,
    "test_a_checkout_whose_answer_was_lost_is_found_and_its_payment_too": CLOCK,
    "test_copies_and_twins_of_every_event_change_nothing": CROWD,
    "test_a_life_in_any_order_comes_to_the_same": CROWD,
    "test_ten_are_as_good_as_one": CROWD,
    "test_our_own_pages_can_do_and_read_everything": ORIGIN,
    "test_the_extension_our_own_pages_and_programs_may_call": ORIGIN,
    "test_the_api_answers_the_pages_of_its_own_origin_by_either_name": ORIGIN,
    "test_below_a_stages_name_everything_is_found": ORIGIN,
    "test_every_answer_carries_the_headers[GET-/credits/balance": HEADERS,
    "test_a_refused_token_costs_no_aws_call": NO_LINE,
    "test_an_error_has_its_line_too[/auth/user-401": NO_LINE,
    "test_an_error_has_its_line_too[/credits/balance?limit=x-401": NO_LINE,
}


def limit_of(test: str) -> str:
    """Why this test cannot run against the emulated gateway; empty if it can."""
    return next((reason for named, reason in LIMITS.items() if named in test), "")
