"""Trains the same network with VGG19 and with the slim VGG19, and compares both under VGG19.

Example: python benchmarks/extractor_quality.py --content=train/ --photos=test/ --vgg_weights=vgg19.h5 \
             --output=runs/extractors

For each style: one network trained with VGG19, and two with the slim network whose
style weights differ by a factor, so that the slim one's style objective can be read off
at the content objective of the first. Everything else is the same: seed, steps, crops,
widths. With several --seeds, all trainings are repeated with each, and objectives are
means over seeds. Finished runs are kept and not repeated, so that an interrupted
comparison goes on.
"""

from pathlib import Path

import numpy as np
from absl import flags
from short_training import train_once

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core import files
from nst_tf.data import sample_photos, style_images
from nst_tf.evaluation import score as evaluation_score
from nst_tf.features import vgg19
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.losses import perceptual

flags.DEFINE_string(
    "content", None, "Photos to train on, as in nst_tf.train.", required=True
)
flags.DEFINE_string(
    "photos", None, "Photos to judge on: folder or glob.", required=True
)
flags.DEFINE_string("vgg_weights", "imagenet", "VGG19 weights, as in nst_tf.train.")
flags.DEFINE_string(
    "slim_weights", "", "Slim VGG19 weights; empty for the packaged ones."
)
flags.DEFINE_list("styles", ["starry_swirls", "mosaic", "woodblock"], "Style images.")
flags.DEFINE_string("output", None, "Folder of the runs.", required=True)
flags.DEFINE_string(
    "recipe",
    str(Path(__file__).parents[1] / "configs" / "starry.flags"),
    "Flagfile of nst_tf.train for all that is not a flag here: optimizer, schedule ...",
)
flags.DEFINE_integer("steps", 300, "Steps of each training.")
flags.DEFINE_integer("batch_size", 1, "Crops a step.")
flags.DEFINE_list("seeds", ["1"], "Seeds of the trainings.")
flags.DEFINE_integer("crop_size", 256, "Side of the crops, pixels.")
flags.DEFINE_integer("width", 16, "Width of the network.")
flags.DEFINE_float("style_weight", 10.0, "Style weight with VGG19.")
flags.DEFINE_list(
    "slim_factors", ["1.0", "0.7"], "Slim style weights, as factors of --style_weight."
)
flags.DEFINE_integer("image_size", 384, "Long side of the judged photos, pixels.")
flags.DEFINE_bool("only_vgg19", False, "Only train the networks of VGG19.")
FLAGS = flags.FLAGS


def train(style: str, network: str, weight: float, seed: str) -> Path:
    """Trains one network, unless it is there already; returns its folder."""
    return train_once(
        Path(FLAGS.output) / f"{Path(style).stem}_{network}_{weight:g}_seed{seed}",
        FLAGS.recipe,
        f"--style_image={style}",
        f"--steps={FLAGS.steps}",
        "--minutes=-1",
        f"--seed={seed}",
        f"--feature_network={network}",
        f"--style_weight={weight}",
        f"--content={FLAGS.content}",
        f"--vgg_weights={FLAGS.vgg_weights}",
        f"--slim_weights={FLAGS.slim_weights}",
        f"--batch_size={FLAGS.batch_size}",
        f"--crop_size={FLAGS.crop_size}",
        f"--width={FLAGS.width}",
    )


def mean_score(
    judge: evaluation_score.PerceptualScore, folders: list[Path], photos
) -> tuple[float, float]:
    """(content, style) on the photos, mean over the networks in some folders."""
    scores = [judge.score(load_model(folder).prepare(), photos) for folder in folders]
    return tuple(np.mean([(score.content, score.style) for score in scores], axis=0))


def main():
    # {style: [folder of each seed]}, and the same of each weight
    heavy = {
        style: [train(style, "vgg19", FLAGS.style_weight, seed) for seed in FLAGS.seeds]
        for style in FLAGS.styles
    }
    if FLAGS.only_vgg19:
        return
    weights = [FLAGS.style_weight * float(factor) for factor in FLAGS.slim_factors]
    light = {
        style: [
            [train(style, "slim_vgg19", weight, seed) for seed in FLAGS.seeds]
            for weight in weights
        ]
        for style in FLAGS.styles
    }
    photos = evaluation_score.read_photos(FLAGS.photos, FLAGS.image_size)
    extractor = vgg19.load_vgg19(FLAGS.vgg_weights, perceptual.LossWeights().layers)
    print(
        "| style | VGG19: content, style | slim: content, style ... | slim at equal content | ratio |"
    )
    print("|---|---|---|---|---|")
    ratios, rows = [], []
    # Not one of the judged photos: this picture may be published.
    shown_photo = image_io.to_float(sample_photos.builtin_photo("coffee"))
    for style in FLAGS.styles:
        picture = image_io.read_image(
            style_images.fetch_style(style)[0], short_side=512
        )
        judge = evaluation_score.PerceptualScore(extractor, picture)
        content, wide = mean_score(judge, heavy[style], photos)
        narrow = [mean_score(judge, folders, photos) for folders in light[style]]
        equal = evaluation_score.style_at_content(narrow, content)
        ratios.append(equal / wide)
        listed = "; ".join(f"{c:.3f}, {s:.4f}" for c, s in narrow)
        print(
            f"| {Path(style).stem} | {content:.3f}, {wide:.4f} | {listed} | {equal:.4f} "
            f"| {ratios[-1]:.3f} |",
            flush=True,
        )
        nearest = min(range(len(narrow)), key=lambda i: abs(narrow[i][0] - content))
        rows.append(
            [("photo", image_io.to_uint8(shown_photo))]
            + [
                (
                    f"{Path(style).stem}, trained with {name}",
                    image_io.to_uint8(load_model(folder)(shown_photo)),
                )
                for name, folder in (
                    ("VGG19", heavy[style][0]),
                    ("slim VGG19", light[style][nearest][0]),
                )
            ]
        )
    print(f"mean ratio {np.mean(ratios):.3f}")
    sheet = image_io.to_float(contact_sheet.make_contact_sheet(rows, cell=640))
    files.write_atomically(
        Path(FLAGS.output) / "side_by_side.png",
        image_io.encode(image_io.Image(sheet), "png"),
        overwrite=True,
    )


if __name__ == "__main__":
    config_flags.run(main)
