r"""Paints photos and clips with a trained network.

Example: python -m nst_tf.stylize --model=runs/starry --content=photo.jpg --output=out.jpg
         python -m nst_tf.stylize --model=starry.tflite --content=holiday/ --output=painted/
         python -m nst_tf.stylize --model=exported_models/any_style --style=painting.jpg \
             --texture_size=512x384 --output=texture.jpg
         python -m nst_tf.stylize --model=starry_night --content=clip.mp4 --output=painted.mp4

Exits with status 1 if any photo could not be painted; the others are written all the same.
"""

from nst_tf.config.commandline import flags
from nst_tf.config.painting.stylize import StylizeSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.inference.run import start_runtime, stylize


def main(settings: Settings) -> CommandResult:
    start_runtime(settings.model)
    return stylize(settings)


if __name__ == "__main__":
    flags.run(main, Settings)
