"""The backend behind `app.py`. Imports point down this list only; tests/test_architecture.py reads it and holds it.

app                              every route and event function
openapi                          the contract as a document, made from the routes; nothing of it runs in a request
wiring                           builds the use cases once per process
middleware                       around every view: origins, headers, the log line
views                            who calls, the limit, what a view's signature names, the view
signatures responses             what a signature may name; answers and errors as HTTP
web                              reading a request: token, body, query, key
account streaming relay          use cases: they get collaborators, clock and ids as fields, and none knows another
    history billing catchup
    catchup_worker assistant
    purchases reconciler costs
    analytics admin audit
    erasure exports
leasing welcome fulfilment       what happens to a lease; what an account begins with; what payments turn out to be;
    auditing limiting            what an audit reads; how requests are counted; all that is kept of a person
    belongings
contract cursors                 the shapes on the wire; where the next page starts
repositories providers           DynamoDB; Cognito, AssemblyAI, OpenAI
config tokens telemetry logs     what is set; sign-in tokens; what a request did; log lines; pages that ship with us
    pages
leases jobs reading recordings   plain rules and plain data
    pricing audio captions urls
    redaction settings fitness
    addresses sums days sheets
    price_table
    judging tallies limits
    models
sales                            what a purchase is worth
errors ids times deferred        words everybody uses
"""
