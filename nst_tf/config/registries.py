"""What can be chosen by name, one entry a line: "module:object" strings.

They are imported when they are used; the choices of flags are the names.
"""

from nst_tf.core.registry import Registry

# Objects of `nst_tf.features.extractors.FeatureNetwork`.
FEATURE_NETWORKS = Registry(
    "a feature network",
    {
        "slim_vgg19": "nst_tf.features.slim_vgg19:NETWORK",
        "vgg19": "nst_tf.features.vgg19:NETWORK",
    },
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

CONNECTIONS = Registry(
    "a protocol",
    {
        "grpc": "nst_tf.serving.grpc_connection:GrpcConnection",
        "rest": "nst_tf.serving.rest_connection:RestConnection",
    },
)

EXPORTERS = Registry(
    "a format",
    {
        "saved_model": "nst_tf.exporters.saved_model.exporter:SavedModelExporter",
        "tflite": "nst_tf.exporters.tflite.exporter:TfliteExporter",
        "tflite_integer": "nst_tf.exporters.tflite.integer:IntegerTfliteExporter",
        "web": "nst_tf.exporters.web.page:WebExporter",
    },
)
