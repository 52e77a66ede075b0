"""A crowd of made-up people who use the backend's real use cases, at times that somebody else's clock tells."""
