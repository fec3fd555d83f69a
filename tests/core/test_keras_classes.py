"""`import nst_tf` alone lets Keras open networks, and imports neither Keras nor TensorFlow."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import nst_tf
from nst_tf.core.keras_classes import CLASSES

EARLIER = Path(__file__).parents[1] / "fixtures" / "run_of_0ad64c8"


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_importing_the_package_loads_neither_tensorflow_nor_keras_nor_numpy():
    code = """
import sys
import nst_tf
print(sorted({"tensorflow", "keras", "numpy", "PIL", "absl"} & set(sys.modules)))
"""
    assert run(code) == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["import nst_tf, keras", "import keras, nst_tf"])
@pytest.mark.parametrize("kind", ["straight", "adain", "modulated"])
def test_keras_opens_a_network_after_the_package_was_imported(order, kind):
    code = f"""
import sys
{order}
print(type(keras.models.load_model(sys.argv[1], compile=False)).__name__)
"""
    assert run(code, EARLIER / f"{kind}.keras") == "Functional\n"


def test_every_registered_class_is_listed():
    import keras

    for module in pkgutil.walk_packages(nst_tf.__path__, "nst_tf."):
        if module.name.split(".")[1] in ("layers", "models", "features", "training"):
            importlib.import_module(module.name)
    registered = keras.saving.get_custom_objects()
    ours = {name for name in registered if name.startswith("nst_tf>")}
    assert ours == {f"nst_tf>{name}" for name in CLASSES}
    for name, path in CLASSES.items():
        module, _, attribute = path.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert registered[f"nst_tf>{name}"] is found
