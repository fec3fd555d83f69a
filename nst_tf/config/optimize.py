"""Every setting of `nst_tf.optimize`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses
import math

from nst_tf.config.fields import setting
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import STATISTICS
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class OptimizeSettings(PerceptualSettings):
    """Settings of `nst_tf.optimize`; each field is the flag of the same name."""

    content: str = setting(
        "",
        "The photo: a path, or one of scikit-image's such as builtin:cat; empty for a texture of the "
        "style alone.",
    )
    style: tuple[str, ...] = setting(
        (),
        "Styles, separated by commas: packaged pictures' names, paths or URLs; none to reconstruct "
        "the content alone.",
    )
    style_weights: tuple[str, ...] = setting(
        (), "Share of each style, any scale; empty for equal shares."
    )
    output: str = setting("", "The picture to write, such as out.png.", resumable=True)
    run: str = setting(
        "",
        "Folder of log, previews, plot and state; empty for OUTPUT without its suffix + _run.",
        resumable=True,
    )

    image_size: int = setting(512, "Long side of the picture, pixels.")
    texture_size: str = setting(
        "", "WIDTHxHEIGHT of a texture; empty for a square of --image_size."
    )
    style_scale: float = setting(
        1.0,
        "Long side of the style pictures as a multiple of the picture's: the size of strokes.",
    )
    scales: int = setting(
        0,
        "Sizes to work through, from coarse to fine; 1 for full size alone, 0 for all from "
        "--smallest on.",
    )
    scale_factor: float = setting(2.0, "Ratio of two sizes that follow each other.")
    smallest: int = setting(128, "Long side at which --scales=0 begins, pixels.")

    pooling: str = setting(
        "max", "Pooling of the feature network.", choices=("max", "average", "l2")
    )
    margin: int = setting(
        0,
        "Mirrored pixels around pictures, a multiple of 16, against a frame at the border; costs time.",
    )
    statistic: str = setting(
        "gram",
        "What of the features is style.",
        choices=STATISTICS.names,
    )

    content_masks: tuple[str, ...] = setting(
        (),
        "Where in the photo each style paints: one picture a style, white for all of it.",
    )
    style_masks: tuple[str, ...] = setting(
        (),
        "Which part of each style is taken: one picture a style, white for all of it.",
    )
    preserve_color: str = setting(
        "none",
        "Keep the photo's colors: lightness alone is painted, or histograms or moments of "
        "the colors are matched.",
        choices=("none", "luminance", "histogram", "coral"),
    )
    color_when: str = setting(
        "before",
        "Give the style the photo's colors before, or the painting after.",
        choices=("before", "after"),
    )

    init: str = setting(
        "content",
        "First picture: content, noise, style_colors (noise in the colors of the style), "
        "or a path.",
    )
    init_noise: float = setting(
        0.0, "Share of white noise mixed into the first picture, 0 to 1."
    )
    optimizer: str = setting(
        "lbfgs", "Optimizer of the picture.", choices=("lbfgs", "adam")
    )
    iterations: int = setting(100, "Iterations at full size.")
    coarse_iterations: int = setting(100, "Iterations at each coarser size.")
    memory: int = setting(10, "Pairs that L-BFGS keeps.")
    precondition: bool = setting(
        True,
        "Let L-BFGS learn how much frequencies, colors and places bend; the objective falls faster.",
    )
    learning_rate: float = setting(0.02, "Adam's step size; the range of pixels is 1.")
    averaging: float = setting(
        0.9, "Decay of Adam's average of pictures; 0 takes the last picture."
    )
    seed: int = setting(1, "Seed of the noise.")

    preview_steps: int = setting(
        25, "Iterations between previews; 0 for none.", resumable=True
    )
    checkpoint_minutes: float = setting(
        2.0, "Minutes between saved states at most.", resumable=True
    )
    max_memory: float = setting(
        0.0,
        "Memory that may be used, GB; 0 for what is free. A picture that needs more is refused.",
        resumable=True,
    )
    resume: bool = setting(
        False, "Continue the interrupted optimization in --run.", resumable=True
    )
    overwrite: bool = setting(False, "Replace --output and --run.", resumable=True)

    def __post_init__(self):
        super().__post_init__()
        if not self.output:
            raise expected(
                "--output, the picture to write", "nothing", "Try --output=out.png."
            )
        if not self.content and not self.style:
            raise expected(
                "--content, --style or both", "neither", "Name a photo and a painting."
            )
        for name in ("style_weights", "content_masks", "style_masks"):
            given = getattr(self, name)
            if given and len(given) != len(self.style):
                raise expected(
                    f"as many --{name} as --style pictures, {len(self.style)}",
                    len(given),
                    "Name one for each, or none.",
                )
        for name in ("image_size", "smallest", "iterations", "memory"):
            self._require(name, getattr(self, name) >= 1, "of at least 1")
        for name in ("scales", "coarse_iterations", "seed", "preview_steps"):
            self._require(name, getattr(self, name) >= 0, "of at least 0")
        for name in ("style_scale", "learning_rate", "checkpoint_minutes"):
            value = getattr(self, name)
            self._require(name, value > 0 and math.isfinite(value), "above 0")
        self._require(
            "margin",
            self.margin >= 0 and self.margin % 16 == 0,
            "of 0, 16, 32 and so on",
        )
        self._require("scale_factor", self.scale_factor > 1, "above 1")
        self._require("init_noise", 0 <= self.init_noise <= 1, "from 0 to 1")
        self._require("averaging", 0 <= self.averaging < 1, "from 0 to below 1")
        self._require("max_memory", self.max_memory >= 0, "of at least 0")
        if self.content_masks and not self.content:
            raise expected("--content with --content_masks", "none", "Name the photo.")
        if self.resume and self.overwrite:
            raise expected(
                "--resume or --overwrite",
                "both",
                "Continue the old one, or replace it.",
            )

    @property
    def shares(self) -> tuple[float, ...]:
        """The styles' shares, which add up to 1."""
        try:
            weights = [float(weight) for weight in self.style_weights] or [1.0] * len(
                self.style
            )
        except ValueError:
            raise expected(
                "numbers as --style_weights", ",".join(self.style_weights), "Try 1,2."
            ) from None
        if weights and not (
            all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0
        ):
            raise expected(
                "--style_weights of at least 0, not all 0",
                ",".join(self.style_weights),
                "Change them.",
            )
        return tuple(weight / sum(weights) for weight in weights)
