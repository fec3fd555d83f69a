"""Everything that is chosen by name: one entry a line, imported when it is asked for."""

from nst_tf.core.registry import Registry

CONNECTIONS = Registry(
    "a protocol",
    {
        "grpc": "nst_tf.serving.grpc_connection:GrpcConnection",
        "rest": "nst_tf.serving.rest_connection:RestConnection",
    },
)
