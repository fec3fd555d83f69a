"""A feature map on disk, band by band: what is read for the last time frees its space."""

import numpy as np

from nst_tf.images.large.spool import Spool


class StoredMap:
    """Rows of a map [H, W, C] float32, written from top to bottom in bands.

    Each band is a temporary file of its own, see `nst_tf.images.large.spool`.
    """

    def __init__(self) -> None:
        self._bands: list[tuple[int, int, Spool]] = []
        self._rows = 0

    def write(self, rows: np.ndarray) -> None:
        """Adds rows [n, W, C] below those that are there.

        Raises:
            UserError: there is no space for them.
        """
        top, self._rows = self._rows, self._rows + len(rows)
        spool = Spool(rows.shape, np.float32)
        spool.map()[:] = rows
        self._bands.append((top, self._rows, spool))

    def read(self, first: int, last: int) -> np.ndarray:
        """Returns a copy of the rows from `first` up to `last`, none of them freed."""
        parts = [
            spool.read(max(first - top, 0), min(last, bottom) - top)
            for top, bottom, spool in self._bands
            if top < last and first < bottom
        ]
        return np.concatenate(parts)

    def free(self, first: int) -> None:
        """Frees bands that lie above row `first` as a whole; they cannot be read again."""
        for _, bottom, spool in self._bands:
            if bottom <= first:
                spool.close()
        self._bands = [band for band in self._bands if band[1] > first]

    def close(self) -> None:
        """Frees all space."""
        for _, _, spool in self._bands:
            spool.close()
        self._bands = []
