"""Chooses the built-in content source: photographs, dead leaves or both, by held-out objective.

Example: python benchmarks/content_sources.py --photos='heldout/*.jpg'
    --output=runs/sources

Trains the network of configs/starry.flags with each source for the same number of steps
and prints its objective, under the feature network it was trained with, on photos that
none of them has seen. --content adds a source to compare with, such as a folder of real
photographs.
"""

from pathlib import Path

from absl import flags
from short_training import train

from nst_tf.config.commandline import flags as config_flags
from nst_tf.data import style_images
from nst_tf.evaluation import score as evaluation_score
from nst_tf.features import slim_vgg19
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.losses import perceptual

flags.DEFINE_list(
    "content", ["builtin:photos", "builtin:leaves", "builtin:both"], "Sources."
)
flags.DEFINE_string("photos", None, "Held-out photos: folder or glob.", required=True)
flags.DEFINE_string("output", None, "Folder of the runs.", required=True)
flags.DEFINE_string("style_image", "starry_swirls", "Style, as in nst_tf.train.")
flags.DEFINE_integer("steps", 200, "Steps of each training.")
flags.DEFINE_integer("crop_size", 256, "Side of the crops, pixels.")
flags.DEFINE_integer("image_size", 384, "Long side of the judged photos, pixels.")
flags.DEFINE_float("style_weight", 10.0, "Style weight, in training and in the total.")
FLAGS = flags.FLAGS
RECIPE = Path(__file__).parents[1] / "configs" / "starry.flags"


def main():
    photos = evaluation_score.read_photos(FLAGS.photos, FLAGS.image_size)
    style = image_io.read_image(
        style_images.fetch_style(FLAGS.style_image)[0], short_side=512
    )
    judge = evaluation_score.PerceptualScore(
        slim_vgg19.load_slim_vgg19(perceptual.LossWeights().layers), style
    )
    print(
        f"| source ({len(photos)} held-out photos) | content | style | total |\n|---|---|---|---|"
    )
    for source in FLAGS.content:
        folder = Path(FLAGS.output) / source.replace(":", "_").replace("/", "_").strip(
            "._"
        )
        train(
            folder,
            RECIPE,
            f"--content={source}",
            f"--style_image={FLAGS.style_image}",
            f"--style_weight={FLAGS.style_weight}",
            f"--steps={FLAGS.steps}",
            "--minutes=-1",
            f"--crop_size={FLAGS.crop_size}",
        )
        score = judge.score(load_model(folder).prepare(), photos)
        total = score.content + FLAGS.style_weight * score.style
        print(
            f"| {source} | {score.content:.3f} | {score.style:.4f} | {total:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    config_flags.run(main)
