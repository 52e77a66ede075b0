"""The whole backend on one machine: AWS, the providers' stand-ins and the API, all on loopback.

`stack` starts everything and is the way in; `aws`, `server`, `events` and `dynamodb_local` are its parts and can be
used alone; `processes` is how any of them becomes a child process.
"""
