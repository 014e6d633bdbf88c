"""The peer: a TCP server that ends connections on command, step by step, and logs what it read and sent.

It obeys the harness (JSON lines on standard input and output), or does one list of steps on every connection
that comes. It knows nothing of scenarios, clients or verdicts, and needs nothing but Python 3.9's standard
library and, where HTTP/2 is spoken, h2.
"""

PROTOCOL = 1
"""Version of the messages between the harness and the peer; the peer's first line carries it."""
