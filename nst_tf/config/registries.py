"""What can be chosen by name: one entry a line, a name and where its object is.

The keys are the choices of flags. Objects are imported when they are first asked for, so
that `--help` needs no TensorFlow.
"""

from nst_tf.core.registry import Registry

# Classes of `nst_tf.training.task.Task`.
METHODS = Registry(
    "a method",
    {
        "feedforward": "nst_tf.training.methods.feedforward:FeedforwardTask",
        "any_style": "nst_tf.training.methods.any_style:AnyStyleTask",
        "slim_features": "nst_tf.training.methods.slim_features:SlimFeaturesTask",
        "classify": "nst_tf.training.methods.classify:ClassifyTask",
    },
    aliases={"adain": "any_style"},
)

# Classes of `nst_tf.config.train.TrainSettings`, for the same methods.
METHOD_SETTINGS = Registry(
    "a method",
    {
        "feedforward": "nst_tf.config.train:FeedforwardSettings",
        "any_style": "nst_tf.config.train:AnyStyleSettings",
        "slim_features": "nst_tf.config.methods.slim_features:SlimFeaturesSettings",
        "classify": "nst_tf.config.methods.classify:ClassifySettings",
    },
)

# Networks of any style.
NETWORKS = Registry(
    "a network",
    {
        "adain": "nst_tf.models.adain_net:any_style_net",
        "style_prediction": "nst_tf.models.style_prediction_net:modulated_net",
    },
    aliases={"modulated": "style_prediction"},
)

# Objects of `nst_tf.features.extractors.FeatureNetwork`; a path is a run of
# --method=classify.
FEATURE_NETWORKS = Registry(
    "a feature network",
    {
        "slim_vgg19": "nst_tf.features.slim_vgg19:NETWORK",
        "vgg19": "nst_tf.features.vgg19:NETWORK",
    },
    of_path="nst_tf.features.classifier:open_run",
)

# Objects of `nst_tf.losses.style_statistics.StyleStatistic`.
STATISTICS = Registry(
    "a statistic",
    {
        "gram": "nst_tf.losses.style_statistics:GRAM",
        "mean_std": "nst_tf.losses.style_statistics:MEAN_STD",
        "wasserstein2": "nst_tf.losses.style_statistics:WASSERSTEIN2",
    },
)

FEATURE_TRANSFORMS = Registry(
    "a feature transform",
    {
        "adain": "nst_tf.models.feature_transforms:adain",
        "efdm": "nst_tf.models.feature_transforms:efdm",
        "histogram": "nst_tf.models.feature_transforms:histogram",
        "wct": "nst_tf.models.feature_transforms:correlation",
    },
    aliases={"correlation": "wct"},
)

EXPORTERS = Registry(
    "a format",
    {
        "saved_model": "nst_tf.exporters.saved_model.exporter:SavedModelExporter",
        "tflite": "nst_tf.exporters.tflite.exporter:TfliteExporter",
        "tflite_integer": "nst_tf.exporters.tflite.integer:IntegerTfliteExporter",
        "web": "nst_tf.exporters.web.page:WebExporter",
        "onnx": "nst_tf.exporters.onnx.exporter:OnnxExporter",
        "openvino": "nst_tf.exporters.openvino.exporter:OpenVinoExporter",
        "coreml": "nst_tf.exporters.coreml.exporter:CoreMlExporter",
    },
)

# Functions from the path of a model's file to a `nst_tf.inference.runtimes.runtime.Runtime`.
MODEL_FILES = Registry(
    "a kind of file",
    {
        ".tflite": "nst_tf.inference.runtimes.litert:open_tflite",
        ".onnx": "nst_tf.inference.runtimes.onnx:open_onnx",
        ".xml": "nst_tf.inference.runtimes.openvino:open_openvino",
    },
)

CONNECTIONS = Registry(
    "a protocol",
    {
        "grpc": "nst_tf.serving.grpc_connection:GrpcConnection",
        "rest": "nst_tf.serving.rest_connection:RestConnection",
    },
)

# How a stylized image keeps the content image's colors; "none" is no mode.
COLOR_MODES = Registry(
    "a mode of colors",
    {
        "luminance": "nst_tf.images.color:luminance",
        "histogram": "nst_tf.images.color:histogram",
        "coral": "nst_tf.images.color:coral",
    },
)
