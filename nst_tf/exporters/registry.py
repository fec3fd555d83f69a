"""Formats that a trained network is exported to, by name: one format, one file, one line here.

A format's file has `export(network, folder, name) -> list of parity.Artifact`: it
writes into `folder`, and only what `parity.check` has passed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras

from nst_tf.core.errors import expected
from nst_tf.exporters import parity
from nst_tf.exporters.saved_model import (
    any_style as any_style_saved_model,
    per_style as saved_model,
)
from nst_tf.exporters.tflite import (
    any_style as any_style_tflite,
    integer as tflite_integer,
    per_style as tflite,
)
from nst_tf.exporters.web import page as web
from nst_tf.models import adain_net

Exporter = Callable[..., list[parity.Artifact]]
EXPORTERS: Mapping[str, Exporter] = {
    "saved_model": saved_model.export,
    "tflite": tflite.export,
    "tflite_integer": tflite_integer.export,
    "web": web.export,
}
# The formats for networks of any style, which have two ways in.
ANY_STYLE_EXPORTERS: Mapping[str, Exporter] = {
    "saved_model": any_style_saved_model.export,
    "tflite": any_style_tflite.export,
    "web": web.export_any_style,
}
# What a format takes by name beside network, folder and name.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "tflite": ("sides",),
    "web": ("style_image", "web_runtime"),
}


def check_name(name: str, network: keras.Model | None = None) -> None:
    """Raises `UserError` for a format that is not in `EXPORTERS`, or that there is not
    for a network of any style.
    """
    if name not in EXPORTERS:
        raise expected(
            f"a format among {', '.join(EXPORTERS)}", repr(name), "Check its spelling."
        )
    if (
        network is not None
        and adain_net.is_any_style(network)
        and name not in ANY_STYLE_EXPORTERS
    ):
        raise expected(
            f"for a network of any style a format among {', '.join(ANY_STYLE_EXPORTERS)}",
            repr(name),
            "Leave it out; it is for networks of one or several styles.",
        )


def export(
    name: str, network: keras.Model, folder: Path, style: str, **options
) -> list[parity.Artifact]:
    """Exports a network in one format, computing in float32 whatever it was trained in.

    Args:
        name: of the format, a key of `EXPORTERS`.
        network: RGB in [0, 1] -> about [0, 1], [B, H, W, 3]; of one, several or any
            styles.
        folder: the format makes its own folder or files in it; older ones of its own
            are replaced.
        style: names the files where a format has names for them.
        **options: for the formats that take them, see `OPTIONS`; others do without.

    Returns:
        What was written, how large it is, how near to the network; each as text is a
        line for the user.

    Raises:
        UserError: a format that is unknown or not for such a network, or a folder that
            cannot be written.
        RuntimeError: the artifact does not draw what the network draws; it was not
            written.
    """
    check_name(name, network)
    exporter = (ANY_STYLE_EXPORTERS if adain_net.is_any_style(network) else EXPORTERS)[
        name
    ]
    taken = {
        key: value for key, value in options.items() if key in OPTIONS.get(name, ())
    }
    return exporter(in_float32(network), folder, style, **taken)


def export_all(
    names: Sequence[str],
    network: keras.Model,
    folder: Path,
    style: str,
    log: Callable[[str], None],
    **options,
) -> tuple[list[parity.Artifact], dict[str, str]]:
    """Exports a network in several formats; one that does not draw what the network
    draws costs no other.

    Args:
        names: of the formats.
        log: takes a line for each artifact as soon as it is written.
        network, folder, style, options: as for `export`.

    Returns:
        (all artifacts, {refused format: why}).

    Raises:
        UserError: as `export`.
    """
    artifacts, refused = [], {}
    for name in names:
        try:
            for artifact in export(name, network, folder, style, **options):
                log(f"wrote {artifact}")
                artifacts.append(artifact)
        except RuntimeError as error:
            refused[name] = str(error)
    return artifacts, refused


def in_float32(network: keras.Model) -> keras.Model:
    """Returns the network with float32 computations and the same weights; itself, if it has them.

    bfloat16 makes training faster where the processor knows it. Elsewhere it is slow,
    TFLite has no such pads, and it costs picture quality that the float32 weights would
    give.
    """
    if all(layer.dtype_policy.name == "float32" for layer in _all_layers(network)):
        return network
    copy = type(network).from_config(_with_float32_policies(network.get_config()))
    copy.set_weights(network.get_weights())
    return copy


def _all_layers(network):
    """The layers, and those of networks among them: these say nothing of their own
    layers' policies.
    """
    for layer in network.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from _all_layers(layer)


def _with_float32_policies(config):
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        return {key: _with_float32_policies(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32_policies(value) for value in config)
    return config
