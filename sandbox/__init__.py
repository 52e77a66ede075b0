"""Stand-ins for the providers, for tests and demos on one machine; never deployed.

Speech is really recognised (a small English model); the rest follows what the providers document. Each service is one
module (assemblyai, openai), all of them can be told to fail (faults) and tell what they were asked (calls).
"""
