"""Settings of `nst_tf.train --method=classify`: a VGG of any shape learns to tell classes."""

import dataclasses

from nst_tf.config.fields import PATHS, setting
from nst_tf.config.perceptual import PrecisionSettings
from nst_tf.config.train import METHOD_HELP, TrainSettings
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class ClassifySettings(PrecisionSettings, TrainSettings):
    """Settings of `nst_tf.train --method=classify`.

    --content is a folder with a folder of pictures for each class, or tfds:NAME; its
    pictures are brought to squares of --crop_size.
    """

    method: str = setting("classify", METHOD_HELP, choices=("classify",))
    test_content: str = setting(
        "",
        "Labeled pictures that the classifier is judged by once, at the end: a folder like --content, or "
        "tfds:NAME for its test split; empty for none.",
        path=PATHS,
    )
    block_widths: tuple[int, ...] = setting(
        (64, 128, 256, 512, 512),
        "Channels of each block of the VGG; a block halves height and width.",
        least=1,
    )
    block_convolutions: tuple[int, ...] = setting(
        (2, 2, 3, 3, 3),
        "Convolutions of each block; the default is VGG16's.",
        least=1,
    )
    weight_decay: float = setting(
        0.0,
        "Share that a step of size 1 takes from every kernel, apart from the gradient; with adam it is AdamW.",
        least=0,
    )
    label_smoothing: float = setting(
        0.0, "Share of each label that is spread over all classes.", least=0, below=1
    )
    flip: bool = setting(
        True, "Mirror half of the training pictures; not for letters and digits."
    )
    patience: int = setting(
        0,
        "Epochs without a smaller validation loss after which training stops; the best weights are kept. "
        "0 goes on to the budget's end, and keeps the last.",
        least=0,
    )

    def _check(self) -> None:
        super()._check()
        for name in ("short_side", "ema"):
            if getattr(self, name):
                raise expected(
                    f"--{name} with another --method",
                    f"--method=classify, --{name}={getattr(self, name)}",
                    f"Leave --{name} out.",
                )
        if len(self.block_convolutions) != len(self.block_widths):
            raise expected(
                f"as many --block_convolutions as --block_widths, {len(self.block_widths)}",
                len(self.block_convolutions),
                "Name one for each block.",
            )
        least = 2 ** (len(self.block_widths) - 1)
        if self.crop_size < least:
            raise expected(
                f"--crop_size of at least {least} for {len(self.block_widths)} blocks",
                self.crop_size,
                "Raise it, or leave out blocks.",
            )
