"""The package's Keras classes, registered when Keras is imported, without importing it.

So `import nst_tf` alone is enough for `keras.models.load_model("network.keras")`.
"""

import importlib
import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# {registered name: "module:class"}; files of networks know classes by the first.
CLASSES = {
    "AdainNet": "nst_tf.models.adain_net:AdainNet",
    "CropToSize": "nst_tf.layers.padding:CropToSize",
    "DescribeColors": "nst_tf.layers.color:DescribeColors",
    "GrowToDrawable": "nst_tf.layers.padding:PadToMultiple",
    "InstanceNormalization": "nst_tf.layers.normalization:InstanceNormalization",
    "MatchColors": "nst_tf.layers.color:MatchColors",
    "MixPhoto": "nst_tf.layers.color:MixPhoto",
    "ModulatedNormalization": "nst_tf.layers.normalization:ModulatedNormalization",
    "Muon": "nst_tf.training.muon:Muon",
    "NearestUpsampling2D": "nst_tf.layers.upsampling:NearestUpsampling2D",
    "NormParameters": "nst_tf.models.style_prediction_net:NormParameters",
    "OutputRange": "nst_tf.models.transform_net:OutputRange",
    "PhotosColors": "nst_tf.layers.color:MatchContentColors",
    "Pooling": "nst_tf.features.vgg:Pooling",
    "ReflectionPadding2D": "nst_tf.layers.padding:ReflectionPadding2D",
    "StyleCode": "nst_tf.models.adain_net:StyleCode",
    "StylePredictionNet": "nst_tf.models.style_prediction_net:StylePredictionNet",
    "StyleTransfer": "nst_tf.models.adain_net:StyleTransfer",
    "TransformNet": "nst_tf.models.transform_net:TransformNet",
    "VggPreprocessing": "nst_tf.features.vgg:VggPreprocessing",
    "WithRest": "nst_tf.layers.normalization:AppendContentWeight",
}


def register_with_keras() -> None:
    """Registers `CLASSES` in Keras now, if it is loaded, or else when it is imported."""
    if sys.modules.get("keras") is not None:
        _register()
    elif "keras" not in sys.modules:
        sys.meta_path.insert(0, _KerasFinder())


class _KerasFinder(importlib.abc.MetaPathFinder):
    """Waits for the import of Keras, once."""

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            _register()

        loader.exec_module = execute_and_register
        return spec


def _register() -> None:
    registered = sys.modules["keras"].saving.get_custom_objects()
    for name, path in CLASSES.items():
        # The class itself takes the place when its module is imported.
        registered.setdefault(f"nst_tf>{name}", _make_stand_in(path))


def _make_stand_in(path: str) -> type:
    """Returns a class that imports another one when Keras makes an object of it."""
    module, _, name = path.partition(":")

    class StandIn:
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            return getattr(importlib.import_module(module), name).from_config(config)

    return StandIn
