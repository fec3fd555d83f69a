"""What a command that paints clips is told of coherence; a base of its settings."""

import dataclasses

from nst_tf.config.fields import Settings, setting


@dataclasses.dataclass(frozen=True)
class CoherenceSettings(Settings):
    """Settings of `nst_tf.inference.video.coherent_painter`."""

    coherence: float = setting(
        1.0,
        "Of a clip: how far strokes stay on what they are painted on, 0 (each frame by itself, which "
        "flickers) to 1. It needs OpenCV.",
        least=0,
        most=1,
    )
