"""What a training run may use, and what it has used when it ends."""

import dataclasses
import math
from collections.abc import Mapping

WARM_UP = 0.1  # of the budget


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Budget, step size and checkpoints of a run.

    Attributes:
        steps: -1 for no limit.
        minutes: -1 for no limit; the time of an interrupted run counts, so a budget in
            minutes is not repeatable bit for bit.
        least_steps: `minutes` end a run after at least so many steps, on however slow a
            machine.
        learning_rate: step size at the start.
        schedule: "constant", "cosine" (to zero at the end of the budget), or
            "warm_cosine" (the same, but `WARM_UP` of the budget grows linearly from
            zero).
        batch_size: examples a step over all replicas.
        checkpoint_steps, checkpoint_minutes: what comes first saves a checkpoint.
        optimizer: "adam", "muon", see `nst_tf.training.muon`, or "sgd".
        ema: momentum of the average of the weights, which the run ends with; 0 for
            none.
        weight_decay: share of every kernel that a step of size 1 takes away, apart from
            the gradient (Loshchilov, Hutter 2019, arXiv:1711.05101).
    """

    steps: int
    minutes: float
    least_steps: int
    learning_rate: float
    schedule: str
    batch_size: int
    checkpoint_steps: int
    checkpoint_minutes: float
    optimizer: str = "adam"
    ema: float = 0.0
    weight_decay: float = 0.0

    def progress(self, step: int, seconds: float) -> float:
        """Returns the share of the budget that is used, 0 to 1."""
        by_steps = step / self.steps if self.steps > 0 else 0.0
        by_time = seconds / 60 / self.minutes if self.minutes > 0 else 0.0
        if self.least_steps:
            by_time = min(by_time, step / self.least_steps)
        return min(1.0, max(by_steps, by_time))

    def step_size(self, progress: float) -> float:
        """Returns the step size at `progress` of the budget."""
        if self.schedule == "constant":
            return self.learning_rate
        size = self.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
        if self.schedule == "warm_cosine":
            # Not 0 at the very start: that step would be lost.
            size *= min(1.0, (progress + 0.1 * WARM_UP) / WARM_UP)
        return size


@dataclasses.dataclass(frozen=True)
class FitResult:
    """How a run ended.

    Attributes:
        steps: steps trained in all, earlier parts of a resumed run counted in.
        seconds: time trained in all.
        reason: "steps", "minutes", "stopped by a callback" or "interrupted".
        logs: named values of the last step.
        step_share: part of the time of the steps spent in the compiled step; the rest
            waited for data and callbacks.
    """

    steps: int
    seconds: float
    reason: str
    logs: Mapping[str, float]
    step_share: float
