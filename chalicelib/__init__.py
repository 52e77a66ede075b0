"""The backend behind `app.py`. Imports point down this list only; tests/test_architecture.py reads it and holds it.

app                              every route and event function
wiring                           builds the use cases once per process
web                              HTTP in, HTTP out: bodies, errors, headers, the log line
account streaming relay          use cases: they get collaborators, clock and ids as fields, and none knows another
    history billing catchup
    catchup_worker assistant
    purchases reconciler costs
    analytics admin audit
leasing welcome fulfilment       what happens to a lease; what an account begins with; what payments turn out to be;
    auditing                     what an audit reads
contract cursors                 the shapes on the wire; where the next page starts
repositories providers           DynamoDB; Cognito, AssemblyAI, OpenAI
config tokens telemetry logs     settings; sign-in tokens; what a request did; log lines; pages that ship with us
    pages
leases jobs reading recordings   plain rules and plain data
    pricing audio captions urls
    addresses sums days sheets
    price_table
    judging tallies
    models
sales                            what a purchase is worth
errors ids times deferred        words everybody uses
"""
