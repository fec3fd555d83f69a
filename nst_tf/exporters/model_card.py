"""What a user must know of exported files: how they came about, what they take and
give, how exact they are.
"""

import importlib.metadata
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nst_tf.config.registries import EXPORTERS
from nst_tf.core.lists import join_list, split_list
from nst_tf.exporters.parity import Artifact

# What a run's record says that tells something of the network.
RECORDED = (
    "settings",
    "versions",
    "style_sha256",
    "encoder",
    "feature_network",
    "content",
    "steps",
    "seconds",
    "last_terms",
    # Runs of whose networks it is the mean: `tools.average_runs`.
    "averaged",
)
RANGES = "pictures: RGB in [0, 1] as float32, 0 to 255 as uint8; style_weights, strengths, alpha: 0 to 1"


def make_card(
    folder: Path,
    artifacts: Sequence[Artifact],
    recorded: dict,
    styles: Sequence[str] = (),
    inherited: Mapping[str, Any] | None = None,
) -> dict:
    """Returns the card of some artifacts for JSON.

    Absolute paths among the run's settings are given by their last name: cards are
    published.

    Args:
        folder: in which they lie.
        artifacts: from `Exporter.export`.
        recorded: `run_folder.RunFolder.recorded` of the run, {} if it is not known.
        styles: from `style_names.label_styles`; none for a network of any style.
        inherited: what an earlier card says of the network, such as its licenses.
    """
    network = describe_network(recorded, styles, inherited)
    return _describe_export(folder, artifacts, network)


def make_card_of_several(
    folder: Path, artifacts: Sequence[Artifact], networks: Mapping[str, dict]
) -> dict:
    """Returns the card of artifacts that hold several networks.

    Args:
        folder, artifacts: as for `make_card`.
        networks: {name: from `describe_network`}.
    """
    return _describe_export(folder, artifacts, {"models": dict(networks)})


def describe_network(
    recorded: dict,
    styles: Sequence[str] = (),
    inherited: Mapping[str, Any] | None = None,
) -> dict:
    """Returns what a card says of a network, whatever it was exported to; see `make_card`."""
    return {
        **(inherited or {}),
        **({"styles": list(styles)} if styles else {}),
        "run": {
            name: _strip_paths(recorded[name]) for name in RECORDED if name in recorded
        },
    }


def _describe_export(folder, artifacts, network):
    return {
        "name": folder.resolve().name,
        "ranges": RANGES,
        **network,
        "exported_with": {
            name: importlib.metadata.version(name)
            for name in ("tensorflow", "keras", "ai-edge-litert")
        },
        "artifacts": [_describe(folder, artifact) for artifact in artifacts],
    }


def _strip_paths(value):
    if isinstance(value, dict):
        return {name: _strip_paths(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strip_paths(each) for each in value]
    if not isinstance(value, str):
        return value
    # Several paths stand in one setting.
    return join_list(
        Path(part).name if part.startswith("/") else part for part in split_list(value)
    )


def _describe(folder, artifact):
    return {
        "file": artifact.path.relative_to(folder).as_posix(),
        "bytes": artifact.size,
        **_describe_likeness(artifact),
        **EXPORTERS[artifact.exporter]().describe(artifact.path),
    }


def _describe_likeness(artifact):
    likeness = artifact.likeness
    if likeness is None:
        return {"not_drawn": artifact.not_drawn}
    decibels = {"least": round(likeness.least, 1), "mean": round(likeness.mean, 1)}
    return {
        "decibels_to_the_network": "equal" if math.isinf(likeness.least) else decibels,
        "least_decibels_by_size": {
            size: "equal" if math.isinf(least) else round(least, 1)
            for size, least in likeness.by_size.items()
        },
        **({"left_out": likeness.left_out} if likeness.left_out else {}),
        "gray_levels_to_the_network": {
            "largest": round(likeness.largest, 2),
            "mean": round(likeness.average, 3),
        },
    }
