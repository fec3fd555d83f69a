"""Paints one photo in the style of a painting by optimizing its pixels.

Example: python -m nst_tf.optimize --content=photo.jpg --style=painting.jpg
    --output=out.png

Without --content it makes a texture of the style, without --style it reconstructs the
photo.
"""

from nst_tf.config import flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.startup import quiet_start


def main() -> None:
    settings = flags.read(
        OptimizeSettings
    )  # wrong ones end here, before the slow import
    with quiet_start():
        from nst_tf.optimization import run as optimize_run
    optimize_run.optimize(settings)


if __name__ == "__main__":
    flags.define(OptimizeSettings)
    flags.run(main)
