"""The nouns of the domain, as plain data. Credits are whole; times end in their unit; `_at` is epoch seconds, UTC."""
