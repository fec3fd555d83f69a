"""All registries: what can be named in settings, and where it is."""

from nst_tf.core.registry import Registry

EXPORTERS = Registry(
    "a format",
    {
        "saved_model": "nst_tf.exporters.saved_model.exporter:SavedModelExporter",
        "tflite": "nst_tf.exporters.tflite.exporter:TfliteExporter",
        "tflite_integer": "nst_tf.exporters.tflite.integer:IntegerTfliteExporter",
        "web": "nst_tf.exporters.web.page:WebExporter",
    },
)
