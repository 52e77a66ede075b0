"""Language tags as browsers, pages and players write them."""

import pytest
from hypothesis import given, strategies as st

from chalicelib.contract.cleaning import clean_language, clean_recording_language
from chalicelib.models.languages import AUTO, LANGUAGES, REPLACED, THREE_LETTERS, primary_language

READ = {
    # What was refused once.
    "es-419": "es", "nb": "no", "fil": "tl", "EN": "en", "en_US": "en-US", "zh-Hans": "zh", "iw": "he", "in": "id",
    "en-us": "en-US",
    # The same kinds: region of the UN, replaced codes, case, underscore, script, variant, extension, private use.
    "en-001": "en", "es-150": "es", "ji": "yi", "jv": "jw", "mo": "ro", "sh": "sr", "cmn-Hans-CN": "zh-CN",
    "IW-il": "he-IL", "nb_NO": "no-NO", "fil-PH": "tl-PH", "pt_br": "pt-BR", "ZH-hant-tw": "zh-TW",
    "sr-Latn-RS": "sr-RS", "az_Cyrl_AZ": "az-AZ", "en-GB-oxendict": "en-GB", "de-1996": "de",
    "ca-ES-valencia": "ca-ES", "de-CH-1901": "de-CH", "en-US-u-hc-h12": "en-US", "de-DE-u-co-phonebk": "de-DE",
    "en-a-bbb-x-a-ccc": "en", "zh-yue": "yue", "zh-yue-HK": "yue-HK", "yue": "yue", "haw-US": "haw-US",
    " de ": "de", "\ufefffr\n": "fr",
    # ISO 639-2, as the containers of recordings have it.
    "eng": "en", "deu": "de", "ger": "de", "spa": "es", "fra": "fr", "fre": "fr", "ZHO": "zh", "chi-TW": "zh-TW",
    "nob": "no", "jav": "jw", "por_BR": "pt-BR", "zho-yue": "yue",
    # POSIX locales, Arabic as it is spoken, tags from before today's rules.
    "en_US.UTF-8": "en-US", "pt_BR.utf8": "pt-BR", "zh_CN.GB2312": "zh-CN", "de_DE@euro": "de-DE", "ca@valencia": "ca",
    "sr_RS.UTF-8@latin": "sr-RS", "arz": "ar", "apc-LB": "ar-LB", "ar-arz-EG": "ar-EG", "en-GB-oed": "en-GB",
    "i-lux": "lb", "i-default": AUTO,
    # None, and to be detected.
    "": "", " ": "", "auto": AUTO, "AUTO": AUTO, "und": AUTO, "mul": AUTO, "und-Latn": AUTO,
}  # fmt: skip


@pytest.mark.parametrize(("tag", "language"), READ.items(), ids=ascii)
def test_a_tag_is_read_in_any_case_with_its_country_alone(tag: str, language: str) -> None:
    assert clean_language(tag) == language
    assert clean_recording_language(tag) == ("" if language == AUTO else language)


def test_every_language_of_a_model_has_its_code_of_three_letters() -> None:
    assert set(THREE_LETTERS.values()) == {language for language in LANGUAGES if len(language) == 2}
    assert not set(THREE_LETTERS) & (LANGUAGES | set(REPLACED))
    assert all(len(code) == 3 and code.isascii() for code in THREE_LETTERS)


@pytest.mark.parametrize("tag", ["tlh", "zu", "ga-IE", "ast", "gsw-CH", "eo"])
def test_a_language_that_no_model_recognises_is_refused_in_one_sentence(tag: str) -> None:
    with pytest.raises(ValueError, match=r"^No speech model recognises this language\. Send another one, or auto"):
        clean_language(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "english",
        "x",
        "e",
        "en--US",
        "en-",
        "-en",
        "en US",
        "en;q=0.9",
        "de,en",
        "日本",
        "en" * 60,
        ".UTF-8x y",
        "C.UTF-8",
        "i-klingon",
    ],
)
def test_what_is_no_tag_is_refused_with_an_example(tag: str) -> None:
    with pytest.raises(ValueError, match=r"^Send a language tag such as en or pt-BR, or auto"):
        clean_language(tag)


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,5}", fullmatch=True))
def test_whatever_is_accepted_names_a_language_of_a_model_and_is_stable(tag: str) -> None:
    try:
        language = clean_language(tag)
    except ValueError:
        return
    assert language == clean_language(language)
    assert language in ("", AUTO) or primary_language(language) in LANGUAGES
