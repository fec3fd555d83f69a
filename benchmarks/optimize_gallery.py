"""Paints the README's pictures of `nst_tf.optimize`: one photo in six ways, on one sheet.

Example: python benchmarks/optimize_gallery.py --flagfile=configs/gatys_cat.flags
    --image_size=320

Flags are those of nst_tf.optimize; the pictures go to --gallery. Finished ones there
are not painted again.
"""

import dataclasses
from pathlib import Path

import numpy as np
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.data import sample_photos, style_images
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.optimization import run as optimize_run

flags.DEFINE_string("second_style", "autumn_knife", "For the masks.")
flags.DEFINE_string("texture", "mosaic", "The style of the texture.")
flags.DEFINE_string("gallery", "runs/gallery", "Folder of the pictures.")
FLAGS = flags.FLAGS


def draw_masks(photo, folder):
    """Writes an ellipse in the middle of the photo and what is around it; returns their paths."""
    height, width = sample_photos.read_photo(photo).size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    inside = np.clip(
        (1.0 - np.hypot(x / 0.55, y / 0.85)) * 4 + 0.5, 0, 1
    )  # a soft edge
    paths = []
    for name, mask in (("inside", inside), ("around", 1 - inside)):
        rgb = np.repeat(mask[..., None], 3, -1).astype(np.float32)
        image_io.write_image(
            folder / f"{name}.png", image_io.Image(rgb), overwrite=True
        )
        paths.append(str(folder / f"{name}.png"))
    return tuple(paths)


def main():
    asked, folder = config_flags.read(OptimizeSettings), Path(FLAGS.gallery)
    both = (*asked.style, FLAGS.second_style)
    masks = draw_masks(asked.content, folder)
    ways = {
        "plain: one size": dict(scales=1, iterations=200),
        "coarse to fine": {},
        "wasserstein2": dict(statistic="wasserstein2"),
        "preserved colors": dict(preserve_color="luminance"),
        "two styles, masks": dict(style=both, content_masks=masks),
        "texture": dict(
            content="", style=(FLAGS.texture,), smallest=64, init="noise", margin=32
        ),
    }
    cells = [("photo", image_io.to_uint8(sample_photos.read_photo(asked.content).rgb))]
    for number, (caption, changes) in enumerate(ways.items()):
        path = folder / f"{number}.png"
        if not path.exists():
            print(f"{caption}:", flush=True)
            optimize_run.optimize(
                dataclasses.replace(
                    asked, output=str(path), run="", overwrite=True, **changes
                )
            )
        cells.append((caption, image_io.to_uint8(image_io.read_image(path).rgb)))
    cells += [
        (
            name,
            image_io.to_uint8(
                image_io.read_image(style_images.fetch_style(name)[0]).rgb
            ),
        )
        for name in both
    ]
    sheet = contact_sheet.make_contact_sheet(
        [cells[:3], cells[3:6], cells[6:]], asked.image_size
    )
    image_io.write_image(
        folder / "gallery.jpg",
        image_io.Image(image_io.to_float(sheet)),
        overwrite=True,
    )
    print(f"wrote {folder / 'gallery.jpg'}")


if __name__ == "__main__":
    config_flags.define(OptimizeSettings)
    config_flags.run(main)
