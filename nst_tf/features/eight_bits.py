"""Weights in 8 bits: symmetric int8 with one scale an output channel."""

from collections.abc import Mapping

import numpy as np


def pack_kernel(name: str, kernel: np.ndarray) -> dict[str, np.ndarray]:
    """Returns arrays for `np.savez_compressed`: "NAME/kernel" int8, "NAME/scale" float32.

    Args:
        name: of the kernel.
        kernel: [..., C], output channels last.
    """
    axes = tuple(range(kernel.ndim - 1))
    scale = np.maximum(np.abs(kernel).max(axis=axes), 1e-12) / 127
    return {
        f"{name}/kernel": np.round(kernel / scale).astype(np.int8),
        f"{name}/scale": scale.astype(np.float32),
    }


def unpack_kernel(packed: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Returns a kernel, float32 [..., C], from the arrays of `pack_kernel`."""
    return packed[f"{name}/kernel"].astype(np.float32) * packed[f"{name}/scale"]
