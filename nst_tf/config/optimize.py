"""Every setting of `nst_tf.optimize`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from nst_tf.config.fields import PATH, Other, check_resume, setting, text_of
from nst_tf.config.optimize_clip import OptimizeClipSettings
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import COLOR_MODES, STATISTICS
from nst_tf.core.errors import expected
from nst_tf.core.shares import normalize_shares


@dataclasses.dataclass(frozen=True)
class OptimizeSettings(OptimizeClipSettings, PerceptualSettings):
    """Settings of `nst_tf.optimize`; each field is the flag of the same name."""

    method: ClassVar[str] = "gatys"

    content: str = setting(
        "",
        "The photo: a path, or one of scikit-image's such as builtin:cat; empty for a texture of the "
        "style alone. Or a clip, an animation, or a folder or a glob of its frames.",
        path=PATH,
    )
    style: tuple[str, ...] = setting(
        (),
        "Styles, separated by commas: packaged pictures' names, paths or URLs; none to reconstruct "
        "the content alone.",
        path=PATH,
    )
    style_sha256: tuple[str, ...] = setting(
        (),
        "SHA-256 that each style must have, or an empty entry; those of URLs are filled in, so that "
        "the run's flags repeat it.",
    )
    style_weights: tuple[float, ...] = setting(
        (), "Share of each style, any scale; empty for equal shares.", least=0
    )
    output: str = setting(
        "",
        "The picture to write, such as out.png. Of a clip: a clip, .gif, .webp, or a folder of frames.",
        required="Try --output=out.png.",
        resumable=True,
        path=PATH,
    )
    run: str = setting(
        "",
        "Folder of log, previews, plot and state; empty for OUTPUT without its suffix + _run.",
        resumable=True,
        path=PATH,
    )

    image_size: int = setting(
        512,
        "Long side of the picture, pixels; of a clip at most.",
        least=1,
        most=100_000,
    )
    texture_size: str = setting(
        "", "WIDTHxHEIGHT of a texture; empty for a square of --image_size."
    )
    style_scale: float = setting(
        1.0,
        "Long side of the style pictures as a multiple of the picture's: the size of strokes.",
        above=0,
        most=100,
    )
    scales: int = setting(
        0,
        "Sizes to work through, from coarse to fine; 1 for full size alone, 0 for all from "
        "--smallest on.",
        least=0,
    )
    scale_factor: float = setting(
        2.0,
        "Ratio of two sizes that follow each other.",
        least=1.05,
        used_if={"scales": Other(1)},
    )
    smallest: int = setting(
        128,
        "Long side at which --scales=0 begins, pixels.",
        least=1,
        used_if={"scales": 0},
    )

    pooling: str = setting(
        "max", "Pooling of the feature network.", choices=("max", "average", "l2")
    )
    margin: int = setting(
        0,
        "Mirrored pixels around pictures, a multiple of 16, against a frame at the border; costs time.",
        least=0,
        most=10_000,
    )
    statistic: str = setting(
        "gram",
        "What of the features is style.",
        choices=STATISTICS,
    )

    content_masks: tuple[str, ...] = setting(
        (),
        "Where in the photo each style paints: one picture a style, white for all of it.",
        path=PATH,
    )
    style_masks: tuple[str, ...] = setting(
        (),
        "Which part of each style is taken: one picture a style, white for all of it.",
        path=PATH,
    )
    preserve_color: str = setting(
        "none",
        "Keep the photo's colors: lightness alone is painted, or histograms or moments of "
        "the colors are matched.",
        choices=("none", *COLOR_MODES),
    )
    color_when: str = setting(
        "before",
        "Give the style the photo's colors before, or the painting after.",
        choices=("before", "after"),
        used_if={"preserve_color": Other("none")},
    )

    init: str = setting(
        "content",
        "First picture: content, noise, style_colors (noise in the colors of the style), "
        "or a path.",
        path=PATH,
    )
    init_noise: float = setting(
        0.0,
        "Share of white noise mixed into the first picture, 0 to 1.",
        least=0,
        most=1,
    )
    optimizer: str = setting(
        "lbfgs", "Optimizer of the picture.", choices=("lbfgs", "adam")
    )
    iterations: int = setting(
        100,
        "Iterations at full size; of a clip for the first frame of each scene.",
        least=1,
    )
    coarse_iterations: int = setting(
        100, "Iterations at each coarser size.", least=0, used_if={"scales": Other(1)}
    )
    memory: int = setting(
        10,
        "Pairs that L-BFGS keeps.",
        least=1,
        most=1000,
        used_if={"optimizer": "lbfgs"},
    )
    precondition: bool = setting(
        True,
        "Let L-BFGS learn how much frequencies, colors and places bend; the objective falls faster.",
        used_if={"optimizer": "lbfgs"},
    )
    learning_rate: float = setting(
        0.02,
        "Adam's step size; the range of pixels is 1.",
        above=0,
        used_if={"optimizer": "adam"},
    )
    epsilon: float = setting(
        1e-8,
        "Adam's epsilon, beside the root of a pixel's mean squared gradient: where it is larger than that, "
        "pixels with small gradients hardly move.",
        above=0,
        used_if={"optimizer": "adam"},
    )
    averaging: float = setting(
        0.9,
        "Decay of Adam's average of pictures; 0 takes the last picture.",
        least=0,
        below=1,
        used_if={"optimizer": "adam"},
    )
    seed: int = setting(1, "Seed of the noise.", least=0)

    preview_steps: int = setting(
        25, "Iterations between previews; 0 for none.", resumable=True, least=0
    )
    checkpoint_minutes: float = setting(
        2.0, "Minutes between saved states at most.", resumable=True, above=0
    )
    max_memory: float = setting(
        0.0,
        "Memory that may be used, GB; 0 for what is free. A picture that needs more is refused.",
        resumable=True,
        least=0,
    )
    resume: bool = setting(
        False, "Continue the interrupted optimization in --run.", resumable=True
    )
    overwrite: bool = setting(False, "Replace --output and --run.", resumable=True)

    def _check(self) -> None:
        super()._check()
        if not self.content and not self.style:
            raise expected(
                "--content, --style or both", "neither", "Name a photo and a painting."
            )
        for name in ("style_weights", "style_sha256", "content_masks", "style_masks"):
            given = getattr(self, name)
            if given and len(given) != len(self.style):
                raise expected(
                    f"as many --{name} as --style pictures, {len(self.style)}",
                    len(given),
                    "Name one for each, or none.",
                )
        if self.style_weights and not any(self.style_weights):
            raise expected(
                "--style_weights of at least 0, not all 0",
                text_of(self.style_weights),
                "Change them.",
            )
        if self.margin % 16:
            raise expected(
                "--margin of 0, 16, 32 and so on", self.margin, "Change --margin."
            )
        if self.content_masks and not self.content:
            raise expected("--content with --content_masks", "none", "Name the photo.")
        if self.paints_clip:
            names = "texture_size", "content_masks", "preview_steps"
            self._refuse("a photo as --content and a picture as --output", *names)
        check_resume(self.resume, self.overwrite)

    @classmethod
    def find_run(cls, values: Mapping[str, Any]) -> str:
        output = Path(values.get("output") or "out")
        return values.get("run") or f"{output.with_suffix('')}_run"

    @property
    def shares(self) -> tuple[float, ...]:
        """The styles' shares, which add up to 1."""
        if not self.style:
            return ()
        return normalize_shares(self.style_weights or (1.0,) * len(self.style))
