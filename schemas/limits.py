"""How much of anything a document may hold. A statement is at most 16,384 characters; these keep its lists sane.

Lengths are characters (code points) for text and items for lists and maps.
"""

SAFE_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 7493 §2.2)."""

AGENCY_ID = 128
URI = 512
URL = 2_048
NAME = 128
TEXT = 256
"""Case references, `txn`, geocodes, and the like."""
HEADLINE = 300
REASON = 300
"""Why an officer broke the glass."""
CONDITION = 500
LANGUAGES = 32
MEDIA_TYPE = 255

AREAS = 256
POLYGON_POINTS = 2_000
RADIUS_KM = 20_040.0
"""Half the Earth's circumference: a circle that covers everything."""

BATCH = 1_000
"""Items that one call on a subscription may name."""

PARTS = 64
REFERENCES = 64
SELECTORS = 128
CAVEATS = 32
EXTENSIONS = 32
COSIGNATURES = 4
SEALED_FOR = 64
"""Keys that one part may be sealed for."""
FAULTS = 32
"""How many faults one refusal tells."""

DIRECTORY_ITEMS = 20_000
"""Agencies, communities, agreements or delegations in one directory."""
REGISTRARS = 32
"""Keys that may sign a version of the directory."""
