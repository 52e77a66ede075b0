"""Speech recognition, shared by all stand-ins: audio in, words with times out."""
