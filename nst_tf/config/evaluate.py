"""Every setting of `nst_tf.evaluate`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(PerceptualSettings):
    """Settings of `nst_tf.evaluate`; each field is the flag of the same name."""

    feature_network: str = setting(
        "vgg19",
        "Network that judges pictures; what the slim one says is not comparable with VGG19.",
        choices=FEATURE_NETWORKS.names,
    )
    models: tuple[str, ...] = setting(
        (),
        "What to compare, separated by commas: run folders, .keras files, SavedModels, .tflite files, or "
        "folders of finished pictures named as the photos; NAME=PATH names one, NAME=PATH+PATH... a family "
        "whose members differ in their loss weights only; PATH@2 is style 2, from 0, of a model of several. "
        "Models of any style paint in --style_image.",
    )
    content: str = setting(
        "builtin",
        "Photos that no model was trained on: folder or glob; builtin for scikit-image's, which "
        "the models of --content=builtin know.",
    )
    photos: int = setting(
        0, "Use about so many of the photos, evenly chosen; 0 for all."
    )
    image_size: int = setting(512, "Long side of the photos, pixels.")
    style_image: str = setting("starry_swirls", "Style, as in nst_tf.train.")
    style_sha256: str = setting(
        "", "SHA-256 that the style image must have; needed for a URL."
    )
    style_size: int = setting(512, "Short side at which the style is judged, pixels.")
    gatys: tuple[str, ...] = setting(
        (),
        "Also judge nst_tf.optimize after these numbers of iterations, such as 50,100,300; minutes a "
        "photo.",
    )
    reference: str = setting(
        "", "Name of a model: families are compared with it at its content objective."
    )
    sheet_photos: int = setting(4, "Photos on the contact sheet, evenly chosen.")
    output: str = setting("", "Folder for table, numbers, plot and contact sheet.")
    overwrite: bool = setting(False, "Replace the files of an earlier evaluation.")

    def __post_init__(self):
        super().__post_init__()
        if not self.output:
            raise expected(
                "--output, a folder for the results",
                "nothing",
                "Try --output=evaluation.",
            )
        for name in ("image_size", "style_size", "sheet_photos"):
            self._require(name, getattr(self, name) >= 1, "of at least 1")
        self._require("photos", self.photos >= 0, "of at least 0")
        _ = self.gatys_iterations  # raises, if they are none

    @property
    def gatys_iterations(self) -> tuple[int, ...]:
        """The numbers in `gatys`, ascending."""
        try:
            counts = sorted(int(count) for count in self.gatys)
        except ValueError:
            counts = [0]
        if counts and counts[0] < 1:
            raise expected(
                "--gatys with numbers of iterations of at least 1",
                ",".join(self.gatys),
                "Try --gatys=50,100.",
            )
        return tuple(counts)
