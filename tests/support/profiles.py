"""ICC profiles from scratch."""

import struct

import numpy as np


def fixed16(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(space, kind, connection, tags):
    """An ICC profile of version 2, from scratch."""
    count, table, data = len(tags), b"", b""
    offset = 128 + 4 + 12 * count
    for name, body in tags.items():
        table += name + struct.pack(">II", offset + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s",
        offset + len(data),
        bytes(4),
        0x02100000,
        kind,
        space,
        connection,
        bytes(12),
        b"acsp",
    )
    header += bytes(28) + fixed16(0.9642, 1, 0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", count) + table + data


WHITE = b"XYZ " + bytes(4) + fixed16(0.9642, 1, 0.8249)
# Red, green and blue of a wide space, as XYZ columns that add up to white (D50).
WIDE = np.array(
    [[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7445]]
)


def gamma_curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def wide_profile():
    """An RGB profile that changes colors by more than ten levels."""
    tags = {b"wtpt": WHITE}
    for index, name in enumerate((b"r", b"g", b"b")):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + fixed16(*WIDE[:, index])
        tags[name + b"TRC"] = gamma_curve(2.0)
    return profile(b"RGB ", b"mntr", b"XYZ ", tags)
