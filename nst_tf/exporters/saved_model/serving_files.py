"""What TensorFlow Serving reads beside a SavedModel: requests to warm up with, and the
list of models.

Sources: tensorflow.org/tfx/serving/saved_model_warmup and serving_config; the messages
    are those of
tensorflow_serving/apis/prediction_log.proto, predict.proto and model.proto.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.data import sample_photos
from nst_tf.images import io as image_io

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
            writer.write(_prediction_log(signature, inputs))


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


def _prediction_log(signature, inputs):
    """The messages by hand: all their fields are byte strings, and no package need be
    installed for three.
    """
    request = _field(
        1, _field(3, signature.encode())
    )  # PredictRequest.model_spec.signature_name
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(
            2, _field(1, name.encode()) + _field(2, tensor)
        )  # .inputs[name]
    return _field(6, _field(1, request))  # PredictionLog.predict_log.request


def _field(number, data):
    """A field in protocol buffers' wire format, of wire type 2: tag, length, bytes."""
    length, size = b"", len(data)
    while size >= 128:
        length, size = length + bytes([size % 128 + 128]), size // 128
    return bytes([number * 8 + 2]) + length + bytes([size]) + data
