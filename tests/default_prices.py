"""The prices at which a stage sells by default. Only tests of history name a price version."""

from chalicelib.pricing import price_files
from scripts.price_page import default_version

PRICE_VERSION = default_version()
PRICES = price_files.load(PRICE_VERSION)
