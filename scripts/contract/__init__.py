"""The contract written down, and what a change of it breaks."""
