"""Run a target under libFuzzer, which ends the process: `python -m tests.fuzz wav`.

The corpus is kept in `.local/fuzz/<target>` and used by the next run, unless another directory is given. Options are
those of libFuzzer, with the defaults below. Source: llvm.org/docs/LibFuzzer.html.
"""

import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import atheris

WATCHED = {
    "wav": {"chalicelib.streaming.audio"},
    "cursor": {"chalicelib.cursors"},
    "stripe_webhook": {
        *("chalicelib.http.endpoint", "chalicelib.http.request", "chalicelib.providers.stripe_event_handlers"),
        *(
            "chalicelib.payments.checkout",
            "chalicelib.payments.fulfilment",
            "chalicelib.models.purchase_facts",
            "chalicelib.providers.stripe_objects",
            "chalicelib.repositories.purchases",
            "chalicelib.payments.refunds_and_disputes",
        ),
    },
    "assemblyai_webhook": {
        "chalicelib.http.endpoint",
        "chalicelib.http.request",
        "chalicelib.catchup.service",
        "chalicelib.catchup.job_rules",
    },
    "id_token": {"chalicelib.http.request", "chalicelib.providers.id_tokens"},
}
"""Modules whose branches guide the fuzzer, besides the target and PyJWT. Instrumented modules are slow to import, and
modules in C, such as msgspec, cannot be instrumented."""
SLOWEST_SECONDS, MOST_MB = 5, 600


def main(name: str, *arguments: str) -> None:
    watched = WATCHED[name] | {f"tests.fuzz.{name}"}
    uninstrumented = [module for module in find_modules("chalicelib", "tests") if module not in watched]
    with atheris.instrument_imports(include=["chalicelib", "tests", "jwt"], exclude=uninstrumented):
        target = importlib.import_module(f"tests.fuzz.{name}")
    directories = [argument for argument in arguments if not argument.startswith("-")] or [f".local/fuzz/{name}"]
    corpus = Path(directories[0])
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    dictionary = corpus.with_name(f"{corpus.name}.words")
    dictionary.write_text(format_dictionary(target.WORDS))
    bounds = [
        f"-dict={dictionary}",
        f"-artifact_prefix={corpus.with_name(f'{corpus.name}-')}",
        f"-max_len={target.MOST_BYTES}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MOST_MB}",
        "-keep_seed=1",  # A fuzzer cannot invent a valid signature, so seeds that have one are kept.
        "-print_final_stats=1",
    ]
    options = [argument for argument in arguments if argument.startswith("-")]
    atheris.Setup([name, *bounds, *options, *directories], target.run_input)
    atheris.Fuzz()


def find_modules(*packages: str) -> Iterator[str]:
    for file in (found for package in packages for found in Path(package).rglob("*.py")):
        yield ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def format_dictionary(words: Iterable[bytes]) -> str:
    """The dictionary file of libFuzzer with these words."""
    return "".join('"{}"\n'.format("".join(f"\\x{byte:02x}" for byte in word)) for word in words)


if __name__ == "__main__":
    main(*sys.argv[1:])
