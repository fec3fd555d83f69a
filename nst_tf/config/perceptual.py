"""How images are judged: settings that training, optimization and evaluation have in common."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from nst_tf.config.fields import PATH, Settings, check_distinct, setting
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.core.errors import expected
from nst_tf.images import io as image_io


def pixel_limit() -> Any:
    """Declares --max_pixels."""
    return setting(
        image_io.MAX_PIXELS,
        "Pictures with more pixels are refused.",
        resumable=True,
        least=1,
    )


def vgg_path(used_if: Mapping[str, Any] | None = None) -> Any:
    """Declares --vgg_weights."""
    return setting(
        "imagenet",
        "VGG19 weights: imagenet (downloaded by Keras) or the path of Keras's .h5.",
        used_if=used_if,
        path=PATH,
    )


@dataclasses.dataclass(frozen=True)
class PrecisionSettings(Settings):
    """In which arithmetic networks are computed."""

    precision: str = setting(
        "float32",
        "Arithmetic of convolutions and Gram matrices; auto: the faster one on this machine.",
        choices=("float32", "bfloat16", "auto"),
    )

    def _check(self) -> None:
        super()._check()
        several = getattr(self, "strategy", "") == "multi_worker"
        if self.precision == "auto" and several:
            raise expected(
                "--precision=float32 or bfloat16 with --strategy=multi_worker",
                "auto",
                "Workers might choose differently.",
            )

    @property
    def compute_dtype(self) -> str:
        """The Keras dtype policy that --precision names.

        Raises:
            KeyError: auto, which `nst_tf.features.precision.resolve_precision` replaces first.
        """
        return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[self.precision]


@dataclasses.dataclass(frozen=True)
class PerceptualSettings(PrecisionSettings):
    """The feature network, and the weights of the terms of the loss."""

    feature_network: str = setting(
        "slim_vgg19",
        "Network that judges pictures; vgg19 judges best, and takes three times as long; or the folder of a "
        "run of --method=classify, such as runs/vgg.",
        choices=FEATURE_NETWORKS,
    )
    vgg_weights: str = vgg_path({"feature_network": "vgg19", "encoder": "vgg19"})
    slim_weights: str = setting(
        "",
        "Slim VGG19 weights (.npz); empty for the packaged ones.",
        used_if={"feature_network": "slim_vgg19"},
        path=PATH,
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
    max_pixels: int = pixel_limit()

    def _check(self) -> None:
        super()._check()
        for name in ("content_layers", "style_layers"):
            layers = getattr(self, name)
            layer_weights(layers)  # raises, if a weight is no number
            check_distinct(name, [layer.partition(":")[0] for layer in layers])


def layer_weights(names: Sequence[str]) -> dict[str, float]:
    """Parses ("relu1_1", "relu2_1:0.5") into {"relu1_1": 1.0, "relu2_1": 0.5}.

    Raises:
        UserError: a weight that is not a number.
    """
    weights = {}
    for item in names:
        name, _, weight = item.partition(":")
        try:
            weights[name] = float(weight) if weight else 1.0
        except ValueError:
            raise expected(
                "a layer as NAME or NAME:WEIGHT", repr(item), "Try relu3_1:0.5."
            ) from None
    return weights
