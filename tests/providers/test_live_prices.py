"""The live models that no setting names have a price too."""

from chalicelib.pricing import price_files
from chalicelib.settings.provider_registry import ASSEMBLYAI_ENGLISH, ASSEMBLYAI_KEY_TERMS, ASSEMBLYAI_MULTILINGUAL


def test_every_price_file_prices_the_models_that_no_setting_names() -> None:
    """Without a price, a lease could be issued that cannot be settled."""
    for version in price_files.available():
        prices = price_files.load(version)
        for model in (f"assemblyai/{ASSEMBLYAI_ENGLISH}", f"assemblyai/{ASSEMBLYAI_MULTILINGUAL}"):
            with_key_terms = model + ASSEMBLYAI_KEY_TERMS
            assert {model, with_key_terms} <= set(prices.services["live"].models)
            assert prices.cost_micro_usd(with_key_terms, 3_600_000) > prices.cost_micro_usd(model, 3_600_000)
