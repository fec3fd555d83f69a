"""Exports a network to formats by name."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from nst_tf.config.registries import EXPORTERS
from nst_tf.exporters.parity import Artifact


def check_formats(names: Sequence[str], network: keras.Model | None = None) -> None:
    """Raises `UserError` for a format that is not in `EXPORTERS`, or that there is not
    for such a network.
    """
    for name in names:
        EXPORTERS.canonical(name)
        if network is not None:
            EXPORTERS[name]().check(network)


def export_network(
    name: str, network: keras.Model, folder: Path, style: str, **options
) -> list[Artifact]:
    """Exports a network in one format, computing in float32 whatever it was trained in.

    Args:
        name: of the format, a key of `EXPORTERS`.
        network, folder: see `Exporter.export`.
        style: names the files where a format has names for them.
        **options: for the formats that take them, see `Exporter.options`; others do
            without.

    Returns:
        What was written, how large it is, how near to the network; each as text is a
        line for the user.

    Raises:
        UserError: a format that is unknown or not for such a network, or a folder that
            cannot be written.
        RuntimeError: the artifact does not draw what the network draws; it was not
            written.
    """
    exporter = EXPORTERS[name]()
    exporter.check(network)
    taken = {key: options[key] for key in exporter.options if key in options}
    return exporter.export(cast_to_float32(network), folder, style, **taken)


def export_formats(
    names: Sequence[str],
    network: keras.Model,
    folder: Path,
    style: str,
    log: Callable[[str], None],
    **options,
) -> tuple[list[Artifact], dict[str, str]]:
    """Exports a network in several formats; one that does not draw what the network
    draws costs no other.

    Args:
        names: of the formats.
        log: takes a line for each artifact as soon as it is written.
        network, folder, style, options: as for `export_network`.

    Returns:
        (all artifacts, {refused format: why}).

    Raises:
        UserError: as `export_network`.
    """
    artifacts, refused = [], {}
    for name in names:
        try:
            for artifact in export_network(name, network, folder, style, **options):
                log(f"wrote {artifact}")
                artifacts.append(artifact)
        except RuntimeError as error:
            refused[name] = str(error)
    return artifacts, refused


def cast_to_float32(network: keras.Model) -> keras.Model:
    """Returns the network with float32 computations and the same weights; itself, if it has them.

    bfloat16 makes training faster where the processor knows it. Elsewhere it is slow,
    TFLite has no such pads, and it costs picture quality that the float32 weights would
    give.
    """
    if all(layer.dtype_policy.name == "float32" for layer in _all_layers(network)):
        return network
    copy = type(network).from_config(_set_float32_policies(network.get_config()))
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


def _set_float32_policies(config):
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": "float32"}}
        return {key: _set_float32_policies(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_set_float32_policies(value) for value in config)
    return config
