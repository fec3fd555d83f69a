"""What each part of a recipe is worth: trainings that differ from it in one thing, for
equally many minutes.

Example: python benchmarks/recipe.py --style_image=painting.jpg --content=train/ --photos=heldout/ \
             --vgg_weights=vgg19.h5 --output=runs/recipe

Prints objectives under VGG19 and the energy of checkerboards on photos that none was
trained on; "total" is what all of them minimize but for the variants' own terms,
content + --style_weight x style. Finished runs are kept and not repeated: an
interrupted comparison goes on, and several processes may share the work by --only. For
minutes to be equal, every training must have the machine, or its core, to itself.
"""

import json
from pathlib import Path

import numpy as np
from absl import flags
from short_training import train_once

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core.errors import expected
from nst_tf.data import style_images
from nst_tf.evaluation import metrics, score
from nst_tf.features import vgg19
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.losses import perceptual

VARIANTS = {
    "the recipe": (),
    "another seed": ("--seed=2",),
    "Adam": ("--optimizer=adam", "--learning_rate=1e-3"),
    "constant step size": ("--schedule=constant",),
    "averaged weights": ("--ema=0.99",),
    "batches of 4": ("--batch_size=4",),
    "crops of 128": ("--crop_size=128",),
    "crops of 384": ("--crop_size=384",),
    "width 16": ("--width=16",),
    "width 48": ("--width=48",),
    "3 blocks": ("--residual_blocks=3",),
    "separable blocks": ("--block=separable",),
    "first and last kernels of 5": ("--edge_size=5",),
    "padding with zeros": ("--padding=zeros",),
    "total variation 4": ("--tv_weight=4",),
    "temporal 1": ("--temporal_weight=1",),
}

flags.DEFINE_string(
    "recipe",
    str(Path(__file__).parents[1] / "configs" / "starry_night.flags"),
    "Flagfile of nst_tf.train.",
)
flags.DEFINE_string("style_image", "starry_swirls", "Style, as in nst_tf.train.")
flags.DEFINE_string("content", "builtin", "Photos to train on, as in nst_tf.train.")
flags.DEFINE_string(
    "photos", None, "Photos to judge on: folder or glob.", required=True
)
flags.DEFINE_string(
    "vgg_weights", "imagenet", "VGG19 weights of the judge, as in nst_tf.train."
)
flags.DEFINE_list("only", list(VARIANTS), "Which of the variants.")
flags.DEFINE_float("minutes", 3.0, "Of each training.")
flags.DEFINE_float("style_weight", 10.0, "Style weight, in training and in the total.")
flags.DEFINE_float(
    "learning_rate", 2e-3, "Step size where a variant has none of its own."
)
flags.DEFINE_integer("image_size", 384, "Long side of the judged photos, pixels.")
flags.DEFINE_bool("judge", True, "Judge and print; without, only train.")
flags.DEFINE_string("output", None, "Folder of the runs.", required=True)
FLAGS = flags.FLAGS


def train(name: str) -> Path:
    """Trains one variant, unless it is there already; returns its folder."""
    return train_once(
        Path(FLAGS.output) / name.replace(" ", "_"),
        FLAGS.recipe,
        f"--style_image={FLAGS.style_image}",
        f"--content={FLAGS.content}",
        f"--minutes={FLAGS.minutes}",
        f"--style_weight={FLAGS.style_weight}",
        f"--learning_rate={FLAGS.learning_rate}",
        *VARIANTS[name],
    )


def main():
    if unknown := set(FLAGS.only) - set(VARIANTS):
        raise expected(
            f"--only among {', '.join(VARIANTS)}",
            ", ".join(sorted(unknown)),
            "Choose some of them.",
        )
    folders = {name: train(name) for name in FLAGS.only}
    if not FLAGS.judge:
        return
    photos = score.read_photos(FLAGS.photos, FLAGS.image_size)
    judge = score.PerceptualScore(
        vgg19.load_vgg19(FLAGS.vgg_weights, perceptual.LossWeights().layers),
        image_io.read_image(
            style_images.fetch_style(FLAGS.style_image)[0], short_side=512
        ),
    )
    print(
        "| one thing changed | steps | content | style | total | checkerboard |\n|---|---|---|---|---|---|"
    )
    for name, folder in folders.items():
        model, steps = (
            load_model(folder).prepare(),
            json.loads((folder / "log.jsonl").read_text().splitlines()[-1])["step"],
        )
        drawn = [model(photo) for photo in photos]
        terms = [judge.terms(*pair) for pair in zip(drawn, photos)]
        content, style = (
            np.mean([each[term] for each in terms]) for term in ("content", "style")
        )
        shown = f"`{' '.join(VARIANTS[name])}`" if VARIANTS[name] else "nothing"
        print(
            f"| {shown} | {steps} | {content:.3f} | {style:.4f} | {content + FLAGS.style_weight * style:.3f} | "
            f"{np.mean([metrics.checkerboard_energy(picture) for picture in drawn]):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    config_flags.run(main)
