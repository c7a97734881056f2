"""What messages are: statements, envelopes, subscriptions, the directory, and the body formats.

This package imports nothing of the broker or its adapters; a client can use it alone.
"""
