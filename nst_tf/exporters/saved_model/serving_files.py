"""What TensorFlow Serving reads beside a SavedModel: requests to warm up with, and the
list of models.

Sources: tensorflow.org/tfx/serving/saved_model_warmup and serving_config.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.data import sample_photos
from nst_tf.images import io as image_io
from nst_tf.serving import prediction_service_pb2 as messages, tensors

WARM_UP = Path("assets.extra") / "tf_serving_warmup_requests"
MODELS_CONFIG = "models.config"
SIDE = 128  # pixels of the photo to warm up with

Requests = Mapping[str, Mapping[str, np.ndarray]]


def photo() -> tuple[np.ndarray, np.ndarray]:
    """Returns a photo to warm up with: uint8 [1, H, W, 3], and JPEG bytes [1]."""
    rgb8 = image_io.resize_rgb8(sample_photos.builtin_photo("cat"), SIDE, SIDE)
    return rgb8[None], np.array([image_io.encode_rgb8(rgb8, "jpg")], object)


def write_warm_up(saved_model: Path, requests: Requests) -> None:
    """Writes requests that TensorFlow Serving answers before it announces that the model is ready.

    Args:
        saved_model: the folder of a version.
        requests: {signature: {input: value}}.
    """
    path = saved_model / WARM_UP
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests.items():
            log = messages.PredictionLog()
            tensors.fill_request(log.predict_log.request, signature, inputs)
            writer.write(log.SerializeToString())


def models_config(name: str) -> str:
    """Returns the list of one model, for --model_config_file of a server that sees its
    exports as /models/NAME.
    """
    quoted = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in name.encode()
    )
    return f"""model_config_list {{
  config {{
    name: "{quoted}"
    base_path: "/models/{quoted}/saved_model"
    model_platform: "tensorflow"
  }}
}}
"""
