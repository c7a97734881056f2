"""A client of the hub: signs, posts, subscribes, and verifies what it receives."""
