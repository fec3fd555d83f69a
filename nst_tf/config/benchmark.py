"""Every setting of `nst_tf.benchmark`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class BenchmarkSettings:
    """Settings of `nst_tf.benchmark`; each field is the flag of the same name."""

    models: tuple[str, ...] = setting(
        (),
        "What to time, separated by commas: .tflite files (any that take a picture), run folders, .keras "
        "files, SavedModels; NAME=PATH names one. Ratios are to the first.",
    )
    sizes: tuple[str, ...] = setting(
        ("256", "384", "512"), "Sides of the square pictures, pixels."
    )
    threads: tuple[str, ...] = setting(("1", "2"), "Numbers of CPU threads.")
    repeats: int = setting(5, "Pictures in a row, after the first.")
    rounds: int = setting(
        3, "Times that every model is started anew, in turn; medians are shown."
    )
    output: str = setting(
        "", "Folder for table.md, numbers.json and latency.png; empty for none."
    )
    overwrite: bool = setting(False, "Replace the files of an earlier benchmark.")

    def __post_init__(self):
        if not self.models:
            raise expected(
                "--models", "none", "Try --models=runs/starry/tflite/starry.tflite."
            )
        for name in ("repeats", "rounds"):
            if getattr(self, name) < 1:
                raise expected(
                    f"--{name} of at least 1", getattr(self, name), f"Change --{name}."
                )
        _ = self.sides, self.thread_counts  # raise, if they are no numbers
        names = [name for name, _ in self.named_models]
        if len(set(names)) < len(names):
            raise expected(
                "a name for each of --models", ", ".join(names), "Use NAME=PATH."
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """`sizes` as numbers."""
        return _numbers("sizes", self.sizes)

    @property
    def thread_counts(self) -> tuple[int, ...]:
        """`threads` as numbers."""
        return _numbers("threads", self.threads)

    @property
    def named_models(self) -> list[tuple[str, str]]:
        """(name, path) of each model."""
        return [
            (name or path, path)
            for name, _, path in (model.rpartition("=") for model in self.models)
        ]


def _numbers(flag, texts):
    if not texts or not all(text.isdecimal() and int(text) > 0 for text in texts):
        raise expected(
            f"--{flag} as whole numbers of at least 1",
            ",".join(texts) or "none",
            "Try 256,384.",
        )
    return tuple(map(int, texts))
