"""Paints one photo in the style of a painting by optimising its pixels.

Example: python -m nst_tf.optimize --content=photo.jpg --style=painting.jpg --output=out.png

Without --content it makes a texture of the style, without --style it reconstructs the photo.
"""

from nst_tf import flag_binding
from nst_tf.optimize_settings import OptimizeSettings


def main() -> None:
    settings = flag_binding.read(OptimizeSettings)    # wrong ones end here, before the slow import
    with flag_binding.quiet_start():
        from nst_tf import studio
    studio.optimize(settings)


if __name__ == "__main__":
    flag_binding.define(OptimizeSettings)
    flag_binding.run(main)
