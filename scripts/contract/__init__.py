"""Writes the API contract as a file and finds changes that break clients."""
