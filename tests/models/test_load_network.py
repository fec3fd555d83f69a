"""Networks from files of others."""

import keras
import pytest

from nst_tf.core.errors import UserError
from nst_tf.inference.open_model import load_model


def test_a_layer_with_code_of_its_own_is_refused_in_one_line(tmp_path):
    trace = tmp_path / "trace"

    def leave_trace(picture, trace=str(trace)):
        open(trace, "w").close()
        return picture

    inputs = keras.Input([None, None, 3])
    outputs = keras.layers.Lambda(lambda picture: leave_trace(picture))(inputs)
    file = tmp_path / "network.keras"
    keras.Model(inputs, outputs).save(file)
    trace.unlink()  # by the building of the network

    with pytest.raises(UserError, match="unsafe") as caught:
        load_model(file)
    assert "\n" not in str(caught.value) and not trace.exists()
