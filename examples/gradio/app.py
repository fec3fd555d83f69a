"""A page that paints photos with one model. It was not run in a browser by us: the tests
call its function alone.

pip install nst_tf gradio
MODEL=painters python app.py
"""

import os

import gradio
import numpy as np

import nst_tf
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io

model = nst_tf.load_model(os.environ.get("MODEL", "starry_night_mobile"))


def paint(photo: np.ndarray, style: str | None) -> np.ndarray:
    """Paints uint8 [H, W, 3]; errors are shown on the page."""
    try:
        drawn = model(image_io.to_float(photo), style=style)
    except UserError as error:
        raise gradio.Error(str(error)) from error
    return image_io.to_uint8(drawn)


def make_page():
    photo = gradio.Image(label="photo", type="numpy", image_mode="RGB")
    names = list(model.styles)
    styles = gradio.Dropdown(names, value=names[0] if names else None, label="style")
    # One photo after the other: a model is not for several threads at once.
    return gradio.Interface(
        paint, [photo, styles], gradio.Image(label="painting"), concurrency_limit=1
    )


if __name__ == "__main__":
    make_page().launch()
