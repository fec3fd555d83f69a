"""Measures models of any style on pairs of photos and paintings, judged as
`nst_tf.evaluate` judges.

Example: python benchmarks/any_style_pairs.py --models=ours=exported_models/any_style --photos=photos/ \
             --paintings=paintings/ --vgg_weights=vgg19.h5 --output=runs/pairs

Photo number i is painted in painting number i, the paintings repeating; where pairs are more
than photos these repeat too, each time with the next painting. Both are cut to
their central square and resized to --side. --pair=PREDICT.tflite,TRANSFORM.tflite adds
Magenta's two networks, --microast=FOLDER MicroAST by its published weights. A row says content and style objective (means over the pairs,
with their standard errors), SSIM to the photo, checkerboard energy, mesh ratio, and for
a model of ours the ratio in decibels with which --alpha=0 gives the photo back.
--output gets numbers and a sheet.
"""

from pathlib import Path

import numpy as np
import report
import tqdm
from absl import flags
from microast import MicroAST
from middle import read_middle

from nst_tf.config.commandline import flags as config_flags
from nst_tf.evaluation import metrics
from nst_tf.evaluation.score import PerceptualScore, evenly
from nst_tf.exporters import parity
from nst_tf.features import vgg19
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.losses.perceptual import LossWeights

flags.DEFINE_list("models", [], "Models of any style, NAME=PATH.")
flags.DEFINE_list("pair", [], "Magenta's style predictor and transformer.")
flags.DEFINE_string("microast", "", "Folder of MicroAST's weights.")
flags.DEFINE_string("photos", None, "Photos: folder or glob.", required=True)
flags.DEFINE_string("paintings", None, "Paintings: folder or glob.", required=True)
flags.DEFINE_integer("pairs", 40, "How many.")
flags.DEFINE_list(
    "seen",
    [],
    "Names of paintings that a model learned from: their pairs do not count.",
)
flags.DEFINE_integer("side", 384, "Of photos and paintings, pixels.")
flags.DEFINE_float("alpha", 1.0, "Strength of our models.")
flags.DEFINE_string("vgg_weights", "imagenet", "VGG19 weights.")
flags.DEFINE_string(
    "output", None, "Folder of numbers.json and sheet.png.", required=True
)
FLAGS = flags.FLAGS


def ours(path):
    """(photo, painting) -> picture, and (photo, painting) -> the picture without strength."""
    model = load_model(path)
    return tuple(
        lambda photo, painting, alpha=alpha: model(photo, painting, alpha)
        for alpha in (FLAGS.alpha, 0.0)
    )


def magentas(predictor, transformer):
    """(photo, painting) -> picture of Magenta's pair; the predictor wants 256x256."""
    from ai_edge_litert.interpreter import Interpreter

    predict, transform = (
        Interpreter(model_path=path, num_threads=2) for path in (predictor, transformer)
    )
    for interpreter in (predict, transform):
        interpreter.allocate_tensors()

    def run(interpreter, *values):
        details = interpreter.get_input_details()
        for value in values:
            detail = next(
                each
                for each in details
                if len(each["shape"]) == value.ndim
                and each["shape"][-1] == value.shape[-1]
            )
            interpreter.set_tensor(detail["index"], value.astype(np.float32))
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    def draw(photo, painting):
        small = image_io.to_float(
            image_io.resize_rgb8(image_io.to_uint8(painting), 256, 256)
        )
        code = run(predict, small[None])
        return np.clip(run(transform, photo[None], code)[0], 0, 1)

    return draw


def summarize(terms):
    """Returns {metric: {"mean", "error"}} over pairs; the error is the mean's."""
    values = {key: np.array([each[key] for each in terms], float) for key in terms[0]}
    return {
        key: {
            "mean": float(each.mean()),
            "error": float(each.std() / len(each) ** 0.5),
        }
        for key, each in values.items()
    }


def main():
    photos = evenly(image_io.find_images(FLAGS.photos), FLAGS.pairs)[: FLAGS.pairs]
    paths = [photos[number % len(photos)] for number in range(FLAGS.pairs)]
    sources = image_io.find_images(FLAGS.paintings)
    order = [
        (number + number // len(photos)) % len(sources) for number in range(len(paths))
    ]
    paintings = [read_middle(path, FLAGS.side, FLAGS.side) for path in sources]
    extractor = vgg19.load_vgg19(FLAGS.vgg_weights, LossWeights().layers)
    judges = [
        PerceptualScore(extractor, image_io.Image(painting)) for painting in paintings
    ]
    models = {
        "identity": (lambda photo, painting: photo, None),
        "copy of the style": (lambda photo, painting: painting, None),
    }
    if FLAGS.pair:
        models["Magenta"] = (magentas(*FLAGS.pair), None)
    if FLAGS.microast:
        models["MicroAST"] = (MicroAST(FLAGS.microast), None)
    for model in FLAGS.models:
        name, _, path = model.rpartition("=")
        models[name or path] = ours(path)
    found, rows = {name: [] for name in models}, []
    for number, path in enumerate(tqdm.tqdm(paths, unit="pair")):
        photo, which = read_middle(path, FLAGS.side, FLAGS.side), order[number]
        drawn = {
            name: image_io.to_float(image_io.to_uint8(draw(photo, paintings[which])))
            for name, (draw, _) in models.items()
        }
        for name, picture in drawn.items():
            plain = models[name][1]
            found[name].append(
                {
                    **judges[which].terms(picture, photo),
                    "ssim": metrics.ssim(picture, photo),
                    "checkerboard": metrics.checkerboard_energy(picture),
                    "mesh": metrics.mesh_ratio(picture),
                    **(
                        {"alpha 0": parity.psnr(plain(photo, paintings[which]), photo)}
                        if plain
                        else {}
                    ),
                }
            )
        # One more than an eighth, so that neither photos nor paintings repeat.
        if number % (len(paths) // 8 + 1) == 0:
            rows.append(
                [
                    (path.stem, image_io.to_uint8(photo)),
                    ("painting", image_io.to_uint8(paintings[which])),
                    *(
                        (name, image_io.to_uint8(picture))
                        for name, picture in list(drawn.items())[2:]
                    ),
                ]
            )
    counted = [
        number
        for number, which in enumerate(order)
        if sources[which].stem not in FLAGS.seen
    ]
    models = [
        {"name": name, **summarize([terms[number] for number in counted])}
        for name, terms in found.items()
    ]
    for row in models:
        means = {key: round(row[key]["mean"], 3) for key in row if key != "name"}
        print(row["name"], means)
    folder = Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    report.write_report(
        {"pairs_counted": len(counted), "models": models, "values": found},
        folder / "numbers.json",
    )
    image_io.write_image(
        folder / "sheet.png",
        image_io.Image(
            image_io.to_float(contact_sheet.make_contact_sheet(rows, cell=256))
        ),
        overwrite=True,
    )


if __name__ == "__main__":
    config_flags.run(main)
