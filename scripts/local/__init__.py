"""The whole backend on one machine: an emulated AWS, the providers' stand-ins and the API, all on loopback.

Start with `stack`, which runs everything. Its parts `aws`, `server`, `events` and `dynamodb_local` can be used alone;
`processes` runs each of them as a child process.
"""
