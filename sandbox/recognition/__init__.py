"""Speech recognition for every stand-in: audio in, words with times out."""
