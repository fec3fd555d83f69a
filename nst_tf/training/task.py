"""The contract of a method: what the fit loop and the run ask of it."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from nst_tf.config.train import TrainSettings
from nst_tf.data.pipeline import Shard
from nst_tf.runs.folder import RunFolder
from nst_tf.training.schedule import FitResult

OpenBatches = Callable[[Shard, int], tf.data.Dataset]


class Task(abc.ABC):
    """What is trained, by which loss, and what is left of it in the run folder.

    A subclass takes the settings of its method, and is built inside the strategy's
    scope.

    Attributes:
        network: its trainable weights are changed, saved and resumed.
        state: further variables, networks and optimizers that a resumed run needs.
        output_layers: names of the network's layers whose outputs are no features; Muon
            leaves them to Adam.
        learning_rows: how many styles' norms learn beside those that are kept; 0 where
            all do.
        draws: whether the network draws pictures, which are then shown and exported.
        pairs: whether batches have paintings, "style", beside photos.
        labeled: whether it reads --content itself, with labels; it then has a `source`
            with a name, what was found and what is unreadable, and `open_batches`.
    """

    network: keras.Model
    state: Mapping[str, Any] = {}
    output_layers: Sequence[str] = ()
    learning_rows: int = 0
    draws: bool = True
    pairs: bool = False
    labeled: bool = False

    @abc.abstractmethod
    def __init__(self, settings: TrainSettings):
        """Builds network and loss; raises `UserError` for settings that cannot work."""

    @property
    @abc.abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Hashes of all that the run was given, for its record."""

    @abc.abstractmethod
    def start(self, open_batches: OpenBatches) -> None:
        """Sets the first weights, those of --init_from or the method's own."""

    @abc.abstractmethod
    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns named values, each [B]; "loss" is made small, the others are shown.

        Args:
            batch: "image" [B, S, S, 3] in [0, 1], the running number "index" [B], and
                "style" like "image" with `pairs`.
        """

    @abc.abstractmethod
    def preview(self, run: RunFolder, step: int) -> None:
        """Writes pictures of the network as it is now; called only if it draws."""

    def listeners(
        self, run: RunFolder, restored: int
    ) -> list[keras.callbacks.Callback]:
        """Returns the method's own callbacks, for a run that has `restored` steps."""
        return []

    @abc.abstractmethod
    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes the results into the run folder; returns lines for the user."""
