"""Simulated users who call the real use cases of the backend, at the times of a given clock."""
