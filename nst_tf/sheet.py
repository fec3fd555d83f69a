"""Paints one photo in every style of some models, or of all published ones, on one contact sheet.

Example: python -m nst_tf.sheet --content=photo.jpg --output=sheet.png
         python -m nst_tf.sheet --models=painters,runs/starry --content=photo.jpg --output=sheet.png

Exits with status 1 if any model could not paint; the others are shown all the same.
"""

from nst_tf.config.commandline import flags
from nst_tf.config.painting.sheet import SheetSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.inference.sheet import write_sheet


def main(settings: Settings) -> CommandResult:
    return write_sheet(settings)


if __name__ == "__main__":
    flags.run(main, Settings)
