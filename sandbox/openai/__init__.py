"""OpenAI's stand-in: audio transcription, realtime transcription and text."""
