"""Everything that knows AWS: credentials, signatures, HTTP, the call.

| module | what it holds |
|---|---|
| sender.py | the thread in which all calls are made |
| calls.py | one call: request, response, and what the response means for the loop |
| bodies.py | the JSON of a call, for each operation |
| sigv4.py | signatures |
| http.py, connection.py | kept-alive connections; timeouts, proxies, TLS |
| origin.py | where requests go: host, port, TLS, proxy |
| failures.py | why there was no response, in words |
| probing.py | whether an operation would take calls, and as whom |
| describing.py | what a dataset is, and whether it exists |
| credentials.py | region and credentials, found by boto3's own chain |
| keys.py | what a call is signed with, fetched where it has to be |
"""
