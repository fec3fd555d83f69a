"""Paints one photo or a clip in the style of a painting by optimizing its pixels.

Example: python -m nst_tf.optimize --content=photo.jpg --style=painting.jpg
    --output=out.png
         python -m nst_tf.optimize --content=clip.mp4 --style=painting.jpg --output=out.mp4

Without --content it makes a texture of the style, without --style it reconstructs the
photo.
"""

from nst_tf.config.commandline import flags
from nst_tf.config.optimize import OptimizeSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.core.startup import quiet_start


def main(settings: Settings) -> CommandResult:
    with quiet_start():
        from nst_tf.optimization.command import run_command
    return run_command(settings)


if __name__ == "__main__":
    flags.run(main, Settings)
