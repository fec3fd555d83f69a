"""Settings of `nst_tf.train --method=slim_features`."""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.config.perceptual import vgg_path
from nst_tf.config.train import METHOD_HELP, TrainSettings
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class SlimFeaturesSettings(TrainSettings):
    """Settings of `nst_tf.train --method=slim_features`."""

    method: str = setting("slim_features", METHOD_HELP, choices=("slim_features",))
    vgg_weights: str = vgg_path()
    slim_widths: tuple[int, ...] = setting(
        (32, 64, 128, 256, 512), "Channels of the slim VGG19's five blocks.", least=1
    )

    def _check(self) -> None:
        super()._check()
        if len(self.slim_widths) != 5:
            raise expected(
                "five widths such as 32,64,128,256,512",
                ",".join(map(str, self.slim_widths)),
                "Change --slim_widths.",
            )
        if self.batch_size % 3:
            raise expected(
                "a batch size divisible by 3 (photos, attacked photos, styles)",
                self.batch_size,
                "Change --batch_size.",
            )
