"""Where the values of the Redis protocol (RESP 2 and 3) end, so that a stream can be cut between two of them."""

from __future__ import annotations


def value_end(data: bytes | bytearray, start: int = 0) -> int | None:
    """Return the index after the value that begins at `start`, or `None` if it is not complete yet."""
    line_end = data.find(b'\r\n', start)
    if line_end < 0:
        return None
    kind, line, end = data[start : start + 1], data[start + 1 : line_end], line_end + 2
    if kind in b'$=!':
        size = int(line)
        end += size + 2 if size >= 0 else 0
        return end if end <= len(data) else None
    if kind in b'*~>%|':
        # A map has two values per entry; an attribute is such a map before the value that it describes.
        for _ in range(int(line) * (2 if kind in b'%|' else 1) + (kind == b'|')):
            inner = value_end(data, end)
            if inner is None:
                return None
            end = inner
    return end


def command_name(command: bytes) -> bytes:
    """Return the first word of a command in upper case, or in the inline form the whole line."""
    if command.startswith(b'*'):
        return command.split(b'\r\n', 3)[2].upper()
    return command.strip().upper()
