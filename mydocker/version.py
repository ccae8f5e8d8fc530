"""The version of mydocker. It is a literal, because to ask importlib.metadata for it costs a start 23 ms."""

VERSION = "0.1.0"

# Of docker's Engine API: the newest that is answered truthfully, and the oldest.
NEWEST_API, OLDEST_API = (1, 44), (1, 24)
