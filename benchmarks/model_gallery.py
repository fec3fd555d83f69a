"""Paints README's pictures of models with styles of their own: sample_photos, and a row
for each model or style.

Example: python benchmarks/model_gallery.py --output=docs/images/models.jpg --models=exported_models/starry_night,\
exported_models/starry_night_mobile,exported_models/painters@1,exported_models/painters@4

PATH@N paints in style N of a model of several, from 0; PATH@N:S with strength S. The
photos are scikit-image's.
"""

from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.data import sample_photos
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.inference.open_model import load_model

flags.DEFINE_list(
    "models", None, "Models, each PATH, PATH@N or PATH@N:S.", required=True
)
flags.DEFINE_list("captions", [], "Captions of their rows; empty for none.")
flags.DEFINE_list(
    "photos",
    ["builtin:coffee", "builtin:cat", "builtin:motorcycle"],
    "Paths, or builtin:NAME.",
)
flags.DEFINE_integer("side", 320, "Long side of the photos, pixels.")
flags.DEFINE_string("output", None, "Picture to write.", required=True)
FLAGS = flags.FLAGS


def opened(model: str):
    """Opens PATH, PATH@N or PATH@N:S."""
    path, _, choice = model.partition("@")
    number, _, strength = choice.partition(":")
    return load_model(path).prepare(int(number or 0), float(strength or 1))


def main():
    shown = [
        sample_photos.read_photo(name, long_side=FLAGS.side).rgb
        for name in FLAGS.photos
    ]
    rows = [[("", image_io.to_uint8(rgb)) for rgb in shown]]
    for number, model in enumerate(FLAGS.models):
        paint = opened(model)
        caption = FLAGS.captions[number] if FLAGS.captions else ""
        rows.append(
            [
                (caption if at == 0 else "", image_io.to_uint8(paint(rgb)))
                for at, rgb in enumerate(shown)
            ]
        )
    sheet = image_io.to_float(contact_sheet.make_contact_sheet(rows, cell=FLAGS.side))
    image_io.write_image(FLAGS.output, image_io.Image(sheet), overwrite=True)
    print(f"wrote {FLAGS.output}")


if __name__ == "__main__":
    config_flags.run(main)
