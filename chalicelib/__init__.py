"""The backend behind `app.py`. Imports point down this list only; tests/test_architecture.py holds it.

app.py                       every route and event function
wiring                       builds the use cases once per process
web                          HTTP in, HTTP out: bodies, errors, headers, the log line
account streaming history    use cases: they get collaborators, clock and ids as fields
billing
contract                     the shapes on the wire
repositories providers       DynamoDB; Cognito, AssemblyAI, OpenAI
config tokens telemetry      settings; sign-in tokens; what a request did
pricing audio models errors  plain rules and plain data
"""
