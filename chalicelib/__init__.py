"""The backend behind `app.py`. Imports point down this list only; tests/test_architecture.py reads it and holds it.

app                              every route and event function
wiring                           how a process is put together: use cases, AWS clients, providers
http                             from API Gateway to the use cases: parameters, limits, responses, errors, one log line
accounts streaming catchup       a room for each feature; rooms never import each other, and know no framework, AWS,
    transcripts credits          HTTP client, environment or clock: they get collaborators, clock and ids as fields
    payments admin audit
repositories providers           DynamoDB; AWS services, Cognito, AssemblyAI, OpenAI, Stripe
contract                         the shapes on the wire
logs                             log lines, one per request; what must not stand in them
settings                         what can be set and which providers there are, read once per process and validated
pricing                          prices as checked data
models                           the nouns of the domain, as plain data
errors ids dates cursors csv     words that everybody uses
    lazy
"""
