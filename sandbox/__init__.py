"""Stand-ins for the providers, for tests and demos on one machine; never deployed.

Speech is really recognised (a small English model); the rest follows what the providers document. Each service is one
module (assemblyai, openai, streaming_token, streaming_socket, stripe_service), all of them can be told to fail (faults)
and tell what they were asked (calls); live sessions tell what they would be billed (streaming_sessions).
"""
