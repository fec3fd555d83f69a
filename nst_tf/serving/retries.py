"""How calls to a server fail, and trying again where that may help."""

import dataclasses
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

LONGEST_WAIT = 8.0  # seconds between two tries
# What gRPC, or a proxy, says of a message above a limit: it stays too large.
_TOO_LARGE = ("message larger than max", "HTTP status 413")


@dataclasses.dataclass(eq=False)
class Failure(Exception):
    """A call that brought no answer, or a refusal.

    Attributes:
        code: gRPC's name of the reason, such as NOT_FOUND, over REST too.
        reason: the server's or the network's words.
    """

    code: str
    reason: str

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed a little later."""
        # A server that ends cancels what it was asked.
        return self.code in ("UNAVAILABLE", "CANCELLED") or (
            self.code == "RESOURCE_EXHAUSTED"
            and not any(words in self.reason for words in _TOO_LARGE)
        )

    def __str__(self) -> str:
        return f"{self.code} ({' '.join(self.reason.split()).rstrip('.') or 'no reason given'})"


class Connection(Protocol):
    """What each protocol's file has; for several threads at once."""

    def signatures(
        self, deadline: float
    ) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """Returns {signature: {input: shape}} of the model; -1 for a side of any length.

        Args:
            deadline: seconds.

        Raises:
            Failure: no answer.
        """

    def predict(
        self, signature: str, inputs: Mapping[str, np.ndarray], deadline: float
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of one of the model's signatures.

        Args:
            signature: its name.
            inputs: uint8 or float32 arrays, or objects that are bytes.
            deadline: seconds.

        Raises:
            Failure: no answer.
        """

    def close(self) -> None:
        """Ends calls that are under way."""


class Retries:
    """Calls again after failures that may pass, with waits that double and vary (no
    crowd returns at once).

    Args:
        times: tries after the first.
        wait: seconds before the second try, on average three quarters of it.
    """

    def __init__(self, times: int, wait: float):
        self._times, self._wait = times, wait
        self._closed = threading.Event()

    def __call__(self, call: Callable[[], Any]) -> Any:
        """Returns what `call` returns.

        Raises:
            Failure: the last one.
        """
        for tried in range(self._times + 1):
            try:
                return call()
            except Failure as failure:
                wait = min(self._wait * 2**tried, LONGEST_WAIT) * random.uniform(0.5, 1)
                if (
                    not failure.transient
                    or tried == self._times
                    or self._closed.wait(wait)
                ):
                    raise

    def close(self) -> None:
        """Ends waits and further tries."""
        self._closed.set()
