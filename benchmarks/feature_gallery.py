"""Paints one photo with several feature networks, and has VGG19 judge the pictures.

Example: python benchmarks/feature_gallery.py --flagfile=configs/gatys_cat.flags --image_size=320 \
             --networks=slim_vgg19,vgg19,runs/vgg_emoji --vgg_weights=vgg19.h5 --gallery=runs/features

Everything but the network is alike. The style's layers are the first of every block,
the content's is relu4_2, or the deepest of a network that has none. Writes
GALLERY/features.jpg, and into GALLERY/evaluation the numbers. A picture that is there is not
painted again.
"""

import time

from absl import flags

import nst_tf
from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.core import files
from nst_tf.data import sample_photos, style_images
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.optimization import run as optimize_run

flags.DEFINE_list("networks", None, "Values of --feature_network.", required=True)
flags.DEFINE_string("gallery", None, "Folder for pictures and numbers.", required=True)
FLAGS = flags.FLAGS


def main():
    asked = FLAGS.flag_values_dict()
    folder = files.ensure_writable_folder(FLAGS.gallery)
    photo = sample_photos.read_photo(FLAGS.content, long_side=FLAGS.image_size)
    image_io.write_image(folder / "photo" / "photo.png", photo, overwrite=True)
    cells, minutes = [("photo", image_io.to_uint8(photo.rgb))], {}
    for network in FLAGS.networks:
        name = network.rstrip("/").rpartition("/")[2]
        path = folder / name / "photo.png"
        if not path.exists():
            started = time.monotonic()
            optimize_run.optimize(choose(asked, network, path))
            minutes[name] = round((time.monotonic() - started) / 60, 1)
        cells.append((name, image_io.to_uint8(image_io.read_image(path).rgb)))
    sheet = contact_sheet.make_contact_sheet([cells[:3], cells[3:]], FLAGS.image_size)
    picture = image_io.Image(image_io.to_float(sheet))
    image_io.write_image(folder / "features.jpg", picture, overwrite=True)
    style = image_io.read_image(
        style_images.fetch_style(FLAGS.style[0])[0], long_side=FLAGS.image_size
    )
    nst_tf.evaluate_models(
        [str(folder / name) for name, _ in cells[1:]],
        folder / "evaluation",
        content=str(folder / "photo"),
        image_size=FLAGS.image_size,
        style_image=FLAGS.style[0],
        style_size=min(style.size),
        vgg_weights=FLAGS.vgg_weights,
        overwrite=True,
    )
    print(f"minutes: {minutes}")


def choose(asked, network, path):
    """Returns the settings of one picture, with layers that the network has."""
    layers = list(FEATURE_NETWORKS[network].geometry)
    fields = {field.name for field in OptimizeSettings.flag_fields()}
    values = {name: value for name, value in asked.items() if name in fields}
    values |= {
        "feature_network": network,
        "style_layers": tuple(layer for layer in layers[:13] if layer.endswith("_1")),
        "content_layers": ("relu4_2" if "relu4_2" in layers else layers[-1],),
        "output": str(path),
        "run": "",
        "overwrite": True,
    }
    return OptimizeSettings.of(values, drop_unused=True, log=lambda line: None)


if __name__ == "__main__":
    config_flags.define(OptimizeSettings)
    config_flags.run(main)
