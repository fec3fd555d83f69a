"""Paints photos with a trained network.

Example: python -m nst_tf.stylize --model=runs/starry --content=photo.jpg --output=out.jpg
         python -m nst_tf.stylize --model=starry.tflite --content=holiday/ --output=painted/

Exits with status 1 if any photo could not be painted; the others are written all the same.
"""

import sys

from absl import flags

from nst_tf import albums, artifacts, flag_binding, images

flags.DEFINE_string("model", None, "Run folder, .keras, SavedModel folder or .tflite.", required=True)
flags.DEFINE_string("content", None, "A photo, a folder or a glob such as 'a/**/*.jpg'.", required=True)
flags.DEFINE_string("output", None, "File for one photo, folder for several.", required=True)
flags.DEFINE_bool("overwrite", False, "Replace files that exist.")
flags.DEFINE_integer("max_pixels", images.MAX_PIXELS, "Larger photos are refused.")
FLAGS = flags.FLAGS


def main() -> int:
    outcome = albums.stylize_album(
        artifacts.open_artifact(FLAGS.model), FLAGS.content, FLAGS.output,
        overwrite=FLAGS.overwrite, max_pixels=FLAGS.max_pixels,
        say=lambda line: print(f"error: {line}", file=sys.stderr))
    print(f"painted {len(outcome.written)} photos, {len(outcome.failed)} failed")
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    flag_binding.run(main)
