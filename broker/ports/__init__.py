"""What the stages need from the outside, as small protocols with their promises; a file each.

Each is implemented by `store.in_redis` and by its true twin `store.in_memory`, and both pass `tests/contract`.
Times are RFC 3339 text in UTC with milliseconds where they are told to people, seconds since the epoch (float)
where they are compared. Every method may raise `Unavailable`: the store is away and nothing was decided.
"""
