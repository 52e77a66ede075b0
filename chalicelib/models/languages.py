"""Languages: how a browser's tag is read. Pure rules.

A tag is BCP 47 (RFC 5646), in any case, with hyphens or underscores. Scripts, variants and extensions are left out,
because no speech model distinguishes them. Codes of three letters are read as those of two. Replaced codes: IANA,
"Language Subtag Registry", deprecated and macrolanguage subtags; `jw` is what speech models call Javanese.
"""

import re

AUTO = "auto"  # recognise the language from the speech
# The languages of speech models (those of Whisper).
LANGUAGES = {
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de", "el",
    "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht", "hu", "hy",
    "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi",
    "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru",
    "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl",
    "tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "yue", "zh",
}  # fmt: skip
REPLACED = {
    "in": "id", "iw": "he", "ji": "yi", "jv": "jw", "mo": "ro", "sh": "sr", "nb": "no", "fil": "tl", "cmn": "zh",
    "arb": "ar", "pes": "fa", "prs": "fa", "zsm": "ms", "swh": "sw", "lvs": "lv", "ekk": "et", "khk": "mn",
    "npi": "ne", "plt": "mg", "pnb": "pa", "uzn": "uz", "ydd": "yi", "als": "sq", "azj": "az",
    # Arabic as it is spoken.
    "abh": "ar", "abv": "ar", "acm": "ar", "acq": "ar", "acw": "ar", "acx": "ar", "acy": "ar", "adf": "ar",
    "aeb": "ar", "aec": "ar", "afb": "ar", "ajp": "ar", "apc": "ar", "apd": "ar", "arq": "ar", "ars": "ar",
    "ary": "ar", "arz": "ar", "auz": "ar", "avl": "ar", "ayh": "ar", "ayl": "ar", "ayn": "ar", "ayp": "ar",
    "pga": "ar", "shu": "ar", "ssh": "ar",
}  # fmt: skip
# Of the metadata of recordings: ISO 639-2, terminological and bibliographic, with two bibliographic codes of old.
THREE_LETTERS = {
    "afr": "af", "amh": "am", "ara": "ar", "asm": "as", "aze": "az", "bak": "ba", "bel": "be", "bul": "bg",
    "ben": "bn", "bod": "bo", "tib": "bo", "bre": "br", "bos": "bs", "cat": "ca", "ces": "cs", "cze": "cs",
    "cym": "cy", "wel": "cy", "dan": "da", "deu": "de", "ger": "de", "ell": "el", "gre": "el", "eng": "en",
    "spa": "es", "est": "et", "eus": "eu", "baq": "eu", "fas": "fa", "per": "fa", "fin": "fi", "fao": "fo",
    "fra": "fr", "fre": "fr", "glg": "gl", "guj": "gu", "hau": "ha", "heb": "he", "hin": "hi", "hrv": "hr",
    "scr": "hr", "hat": "ht", "hun": "hu", "hye": "hy", "arm": "hy", "ind": "id", "isl": "is", "ice": "is",
    "ita": "it", "jpn": "ja", "jav": "jw", "kat": "ka", "geo": "ka", "kaz": "kk", "khm": "km", "kan": "kn",
    "kor": "ko", "lat": "la", "ltz": "lb", "lin": "ln", "lao": "lo", "lit": "lt", "lav": "lv", "mlg": "mg",
    "mri": "mi", "mao": "mi", "mkd": "mk", "mac": "mk", "mal": "ml", "mon": "mn", "mar": "mr", "msa": "ms",
    "may": "ms", "mlt": "mt", "mya": "my", "bur": "my", "nep": "ne", "nld": "nl", "dut": "nl", "nno": "nn",
    "nor": "no", "nob": "no", "oci": "oc", "pan": "pa", "pol": "pl", "pus": "ps", "por": "pt", "ron": "ro",
    "rum": "ro", "rus": "ru", "san": "sa", "snd": "sd", "sin": "si", "slk": "sk", "slo": "sk", "slv": "sl",
    "sna": "sn", "som": "so", "sqi": "sq", "alb": "sq", "srp": "sr", "scc": "sr", "sun": "su", "swe": "sv",
    "swa": "sw", "tam": "ta", "tel": "te", "tgk": "tg", "tha": "th", "tuk": "tk", "tgl": "tl", "tur": "tr",
    "tat": "tt", "ukr": "uk", "urd": "ur", "uzb": "uz", "vie": "vi", "yid": "yi", "yor": "yo", "zho": "zh",
    "chi": "zh",
}  # fmt: skip
CODES = REPLACED | THREE_LETTERS
# Tags from before today's rules that have another form (RFC 5646, "irregular") and whose language a model recognises.
IRREGULAR = {"en-gb-oed": "en-gb", "i-default": "und", "i-lux": "lb"}
UNKNOWN_LANGUAGES = {"und", "mul", "mis", "zxx"}  # ISO 639-3: undetermined, several, uncoded, no linguistic content
EXTENDED = {("zh", "yue"): "yue"}  # extended language subtags that speech models distinguish
# Compiled when first used, because that takes as long as a request.
TAG = (
    r"(?P<language>[a-z]{2,3})(?:-(?P<extended>[a-z]{3})){0,3}(?:-[a-z]{4})?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
)
LONGEST_TAG_CHARACTERS = 100


def read_language_tag(tag: str) -> str | None:
    """The language with its country, such as `pt-BR`; `auto`; empty for none; None if this is no tag.

    A region that is no country, as in `es-419`, is left out. A language that no model recognises is returned too.
    """
    # A locale of POSIX has an encoding or a modifier after its language: `en_US.UTF-8`, `de_DE@euro`.
    name = re.sub(r"(?<=[A-Za-z])[.@][A-Za-z0-9.@-]*$", "", tag).replace("_", "-").lower()
    name = IRREGULAR.get(name, name)
    if name in ("", AUTO):
        return name
    found = re.fullmatch(TAG, name) if len(name) <= LONGEST_TAG_CHARACTERS else None
    if not found:
        return None
    language, region = found["language"], found["region"] or ""
    if language in UNKNOWN_LANGUAGES:
        return AUTO
    language = CODES.get(language, language)
    language = EXTENDED.get((language, found["extended"] or ""), language)
    return f"{language}-{region.upper()}" if region.isalpha() else language


def primary_language(tag: str) -> str:
    """The code without its country; empty where the language is to be detected."""
    return "" if tag == AUTO else tag.partition("-")[0]
