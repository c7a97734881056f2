"""`broker directory`: the directory as registrars write, compare, sign and publish it."""
