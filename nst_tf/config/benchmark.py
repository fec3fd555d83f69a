"""Every setting of `nst_tf.benchmark`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import NAMED_PATHS, PATH, Settings, setting
from nst_tf.core.errors import expected
from nst_tf.core.lists import split_name

MOST_THREADS = 1024  # more than any runtime here starts


@dataclasses.dataclass(frozen=True)
class BenchmarkSettings(Settings):
    """Settings of `nst_tf.benchmark`; each field is the flag of the same name."""

    models: tuple[str, ...] = setting(
        (),
        "What to time, separated by commas: .tflite, .onnx or OpenVINO's .xml files (any that take a picture), "
        "run folders, .keras files, SavedModels; NAME=PATH names one. Ratios are to the first.",
        required="Try --models=runs/starry/tflite/starry.tflite.",
        path=NAMED_PATHS,
    )
    sizes: tuple[int, ...] = setting(
        (256, 384, 512),
        "Sides of the square pictures, pixels.",
        required="Try --sizes=256,384.",
        least=1,
    )
    threads: tuple[int, ...] = setting(
        (1, 2),
        "Numbers of CPU threads.",
        required="Try --threads=1,2.",
        least=1,
        most=MOST_THREADS,
    )
    repeats: int = setting(5, "Pictures in a row, after the first.", least=1)
    rounds: int = setting(
        3,
        "Times that every model is started anew, in turn; medians are shown.",
        least=1,
    )
    output: str = setting(
        "",
        "Folder for table.md, numbers.json and latency.png; empty for none.",
        path=PATH,
    )
    overwrite: bool = setting(
        False,
        "Replace the files of an earlier benchmark.",
    )

    def _check(self) -> None:
        names = [name for name, _ in self.named_models]
        if len(set(names)) < len(names):
            raise expected(
                "a name for each of --models", ", ".join(names), "Use NAME=PATH."
            )

    @property
    def named_models(self) -> list[tuple[str, str]]:
        """(name, path) of each model."""
        parts = [split_name(model) for model in self.models]
        return [(name or path, path) for name, path in parts]
