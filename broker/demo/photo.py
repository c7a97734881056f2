"""A photo of nobody: a grey head and shoulders, drawn here, as PNG (ISO/IEC 15948)."""

import struct
import zlib

SIDE = 96


def photo() -> bytes:
    """An 8-bit greyscale image of 96 × 96 pixels."""
    rows = b"".join(b"\0" + bytes(_shade(x, y) for x in range(SIDE)) for y in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _shade(x: int, y: int) -> int:
    head = (x - 48) ** 2 + (y - 36) ** 2 < 20**2
    shoulders = ((x - 48) / 40) ** 2 + ((y - 96) / 34) ** 2 < 1
    return 90 if head or shoulders else 215


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
