"""How calls to a server fail, and trying again where that may help."""

import dataclasses
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

LONGEST_WAIT = 8.0  # seconds between two tries
# What gRPC, a proxy, or TLS says of what stays as it is: a message above a limit, a
# certificate that nobody vouches for.
_FINAL = ("message larger than max", "HTTP status 413", "CERTIFICATE_VERIFY_FAILED")
_MOST_WORDS = 300  # characters of a server's words


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
        return self.code in (
            "UNAVAILABLE",
            "CANCELLED",
            "RESOURCE_EXHAUSTED",
        ) and not any(words in self.reason for words in _FINAL)

    def __str__(self) -> str:
        return f"{self.code} ({clean_words(self.reason) or 'no reason given'})"


def clean_words(text: str) -> str:
    """Returns a server's words as one line for a terminal: without control characters,
    300 characters at most, and without a period at the end.
    """
    words = text[: 4 * _MOST_WORDS].split()
    line = "".join(each for each in " ".join(words) if each.isprintable())
    return line[:_MOST_WORDS].rstrip(". ")


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
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        deadline: float,
        pixels: int,
    ) -> dict[str, np.ndarray]:
        """Returns the outputs of one of the model's signatures: numbers, or objects that
        are bytes.

        Args:
            signature: its name.
            inputs: uint8 or float32 arrays, or objects that are bytes.
            deadline: seconds, for the whole call.
            pixels: of the picture that is asked for. An answer that is much larger than
                such a picture is refused before it is held.

        Raises:
            Failure: no answer, or one that is none.
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
                longest = min(self._wait * 2 ** min(tried, 30), LONGEST_WAIT)
                wait = longest * random.uniform(0.5, 1)
                if (
                    not failure.transient
                    or tried == self._times
                    or self._closed.wait(wait)
                ):
                    raise

    def close(self) -> None:
        """Ends waits and further tries."""
        self._closed.set()
