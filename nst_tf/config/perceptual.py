"""Every setting of a training run: name, default, meaning, all in one place.

The command's flags, their help, the run folder's replayable file and the check on
resume are made from these fields; the library reads them as a frozen dataclass.
"""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class PerceptualSettings:
    """How pictures are judged: what training and optimization have in common."""

    feature_network: str = setting(
        "slim_vgg19",
        "Network that judges pictures; vgg19 judges best, and takes three times as long.",
        choices=FEATURE_NETWORKS.names,
    )
    vgg_weights: str = setting(
        "imagenet",
        "VGG19 weights: imagenet (downloaded by Keras) or the path of Keras's .h5.",
    )
    slim_weights: str = setting(
        "", "Slim VGG19 weights (.npz); empty for the packaged ones."
    )

    content_weight: float = setting(1.0, "Weight of the content term.")
    style_weight: float = setting(10.0, "Weight of the style term.")
    tv_weight: float = setting(0.0, "Weight of the total-variation term.")
    content_layers: tuple[str, ...] = setting(
        ("relu4_2",), "Layers of the content term, as NAME or NAME:WEIGHT."
    )
    style_layers: tuple[str, ...] = setting(
        ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        "Layers of the style term, as NAME or NAME:WEIGHT.",
    )
    precision: str = setting(
        "float32",
        "Arithmetic of convolutions and Gram matrices; auto: the faster one on this machine.",
        choices=("float32", "bfloat16", "auto"),
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), field.metadata["choices"]
            for each in (
                (value if isinstance(value, tuple) else (value,)) if choices else ()
            ):
                if each not in choices:
                    raise expected(
                        f"--{field.name} among {', '.join(choices)}",
                        repr(each),
                        "Choose one.",
                    )

    @property
    def compute_dtype(self) -> str:
        """The Keras dtype policy that --precision names.

        Raises:
            KeyError: auto, which `nst_tf.features.precision.resolve_precision` replaces first.
        """
        return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[self.precision]

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise expected(f"--{name} {what}", getattr(self, name), f"Change --{name}.")
