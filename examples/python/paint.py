"""Paints a photo with a .tflite of nst_tf: LiteRT, NumPy and Pillow alone.

pip install ai-edge-litert numpy pillow
python paint.py starry_int8.tflite photo.jpg painted.png
"""

import argparse

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps


def paint(model: str, photo: np.ndarray) -> np.ndarray:
    """Returns the painted photo, uint8 [H, W, 3], of uint8 [H, W, 3]."""
    height, width = photo.shape[:2]
    # Sides that the network can draw: multiples of 4, at least 8.
    below, right = (max(-(-side // 4) * 4, 8) - side for side in (height, width))
    grown = np.pad(
        photo.astype(np.float32) / 255, ((0, below), (0, right), (0, 0)), mode="reflect"
    )
    interpreter = Interpreter(model_path=model)
    (image,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(image["index"], [1, *grown.shape])
    interpreter.allocate_tensors()
    interpreter.set_tensor(image["index"], grown[None])
    interpreter.invoke()
    stylized = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    return np.rint(stylized[:height, :width] * 255).astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help=".tflite of one style")
    parser.add_argument("photo")
    parser.add_argument("output", help="name of the picture to write")
    names = parser.parse_args()
    # Phones turn photos by a note in the file, not by moving pixels.
    pixels = ImageOps.exif_transpose(Image.open(names.photo)).convert("RGB")
    Image.fromarray(paint(names.model, np.asarray(pixels))).save(names.output)
