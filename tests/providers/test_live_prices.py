"""The live models that no setting names have a price all the same."""

from chalicelib import pricing
from chalicelib.providers.live import ASSEMBLYAI_ENGLISH, ASSEMBLYAI_MULTILINGUAL


def test_every_price_file_prices_the_models_that_no_setting_names() -> None:
    """Or a lease could be handed out that nothing can settle."""
    for version in pricing.available():
        sold = set(pricing.load(version).services["live"].models)
        assert {f"assemblyai/{ASSEMBLYAI_ENGLISH}", f"assemblyai/{ASSEMBLYAI_MULTILINGUAL}"} <= sold
