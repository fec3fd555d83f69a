"""Paints README's pictures of a network of any style: style_images, strengths, a blend,
colors and a mask.

Example: python benchmarks/any_style_gallery.py --model=runs/adain
    --output=docs/images/any_style.jpg

The photo is scikit-image's, the styles are the packaged ones.
"""

import tempfile
from pathlib import Path

import numpy as np
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.data import sample_photos, style_images
from nst_tf.images import color, contact_sheet, io as image_io
from nst_tf.inference.open_model import load_model

flags.DEFINE_string("model", None, "Model of any style.", required=True)
flags.DEFINE_string("photo", "builtin:coffee", "Path, or builtin:NAME.")
flags.DEFINE_integer("side", 288, "Long side of the photo, pixels.")
flags.DEFINE_list("pair", ["starry_swirls", "ink_wash"], "Two styles, to blend.")
flags.DEFINE_string("output", None, "Picture to write.", required=True)
FLAGS = flags.FLAGS


def main():
    photo = sample_photos.read_photo(FLAGS.photo, long_side=FLAGS.side).rgb
    first, second = FLAGS.pair

    model = load_model(FLAGS.model)

    def painted(caption, style=first, **options):
        return caption, image_io.to_uint8(model(photo, style, **options))

    named = style_images.packaged_styles()
    rows = [
        [
            ("photo", image_io.to_uint8(photo)),
            *(
                (name, image_io.decode_rgb8(path, short_side=photo.shape[0]))
                for name, path in named.items()
            ),
        ]
    ]
    rows.append(
        [painted("strength 0", strength=0.0), *(painted("", name) for name in named)]
    )
    rows.append(
        [
            painted(f"strength {strength:g}", strength=float(strength))
            for strength in np.linspace(0, 1, 6).round(1)
        ]
    )
    rows.append(
        [
            painted(
                f"{share:.0%} {second}",
                {first: 1 - share, second: share},
            )
            for share in np.linspace(0, 1, 6)
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        # An ellipse, and what is around it.
        height, width = photo.shape[:2]
        y, x = (np.linspace(-1, 1, side) for side in (height, width))
        inside = np.clip(4 - 8 * (y[:, None] ** 2 + x[None] ** 2), 0, 1)
        masks = []
        for name, mask in (("inside", inside), ("around", 1 - inside)):
            masks.append(str(Path(folder) / f"{name}.png"))
            image_io.write_image(
                masks[-1],
                image_io.Image(np.repeat(mask[..., None], 3, -1).astype(np.float32)),
            )
        rows.append(
            [
                painted(
                    f"colors kept: {mode}",
                    preserve_color=mode,
                )
                for mode in color.MODES
            ]
            + [painted("a style for each region", [first, second], masks=masks)]
        )
    sheet = image_io.to_float(contact_sheet.make_contact_sheet(rows, cell=FLAGS.side))
    image_io.write_image(FLAGS.output, image_io.Image(sheet), overwrite=True)
    print(f"wrote {FLAGS.output}")


if __name__ == "__main__":
    config_flags.run(main)
