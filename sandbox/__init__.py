"""Stand-ins for AssemblyAI, OpenAI and Stripe, for tests and demos on one machine; never deployed.

Speech is really recognised, by a small English model (`recognition`); everything else follows the providers'
documentation. Each provider has a folder. Every service can be made to fail (`faults`) and records the requests it
receives (`calls`); live sessions report what they would be billed (`assemblyai.streaming_sessions`).
"""
