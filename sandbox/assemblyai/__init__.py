"""AssemblyAI's stand-in: the Sync API, live sessions and transcripts of recordings."""
