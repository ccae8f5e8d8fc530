"""The version, a literal: asking importlib.metadata for it costs a start 23 ms."""

VERSION = "0.1.0"
