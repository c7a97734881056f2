"""Whom to believe: tokens, keys, the directory, and the steps from bytes to what has been verified."""
