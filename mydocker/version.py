"""The version of mydocker. It is a literal, because to ask importlib.metadata for it costs a start 23 ms."""

VERSION = "0.1.0"
