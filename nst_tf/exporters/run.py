"""Exports a trained network to the formats of other runtimes.

Example: python -m nst_tf.export --model=runs/starry --formats=tflite,web
    --output=exported/starry
"""

import functools
import json
import os
from pathlib import Path
from typing import Any

from nst_tf.config.export import ExportSettings
from nst_tf.core import files
from nst_tf.core.errors import expected, first_line
from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.inference import check_card, open_model
from nst_tf.inference.style_names import label_styles


def export_model(
    model: str | os.PathLike[str], output: str | os.PathLike[str], **settings: Any
) -> Path:
    """Exports a trained network: `export_model("runs/starry", "exported/starry")`.

    Args:
        model: a run folder or a .keras file.
        output: folder for the exports; its name names the files in it.
        **settings: fields of `nst_tf.config.export.ExportSettings`, such as formats.

    Returns:
        The folder.

    Raises:
        UserError: as `export`.
    """
    values = {"model": os.fspath(model), "output": os.fspath(output), **settings}
    export(ExportSettings.of(values))
    return Path(output)


def export(settings: ExportSettings) -> list[dict[str, Any]]:
    """Exports the network, printing a line for each artifact, and writes
    `check_card.CARD` beside them.

    Beside a SavedModel it writes `serving_files.MODELS_CONFIG` too. With overwrite only
    artifacts of the same names are replaced; other files stay.

    Returns:
        What the card says of each artifact.

    Raises:
        UserError: no network, a format that is unknown or not for such a network, an
            output that exists or cannot be written; or, after all other formats were
            written, one that does not draw what the network draws.
    """
    # Here, as it imports TensorFlow: not for --help, and not before `main` has made
    # that quiet.
    import tensorflow as tf

    from nst_tf.exporters import export_network

    export_network.check_formats(settings.formats)
    folder = Path(settings.output)
    if not settings.overwrite and (folder.is_file() or _has_exports(folder)):
        raise expected(
            "an --output that is new or empty",
            str(folder),
            "Use --overwrite, or another --output.",
        )
    network = open_model.open_network(settings.model)
    export_network.check_formats(settings.formats, network)
    files.ensure_writable_folder(folder)
    try:
        with interrupt_on_terminate():  # so that scratch folders are removed
            return _write(settings, network, folder)
    except (OSError, tf.errors.OpError) as error:
        raise expected(
            f"to write the exports into {folder}",
            first_line(error),
            "Check the free space and the permissions, or choose another --output.",
        ) from error


def _has_exports(folder):
    # A process that was killed leaves hidden scratch folders, and no exports.
    return folder.is_dir() and any(
        not path.name.startswith(".") for path in folder.iterdir()
    )


def _write(settings, network, folder):
    from nst_tf.exporters import export_network, model_card, network_inputs
    from nst_tf.exporters.saved_model import serving_files
    from nst_tf.runs import folder as run_folder

    name = folder.resolve().name
    recorded = run_folder.RunFolder(Path(settings.model)).recorded
    style_image = recorded.get("settings", {}).get("style_image", "")
    options = {
        "style_image": style_image,
        "web_runtime": settings.web_runtime,
        "sides": tuple(map(int, settings.sizes)),
    }
    # An older card would refuse new files, if this process ends before it writes its own.
    card_file = folder / check_card.CARD
    older = card_file.read_bytes() if card_file.exists() else None
    card_file.unlink(missing_ok=True)
    artifacts, refused = export_network.export_formats(
        settings.formats,
        network,
        folder,
        name,
        functools.partial(print, flush=True),
        **options,
    )
    if "saved_model" in settings.formats and "saved_model" not in refused:
        _write_text(
            folder / serving_files.MODELS_CONFIG, serving_files.models_config(name)
        )
    described = []
    if artifacts:
        count = network_inputs.count_styles(network)
        labels = label_styles(style_image, count) if count else ()
        card = model_card.make_card(folder, artifacts, recorded, labels)
        _write_text(card_file, json.dumps(card, indent=2))
        described = card["artifacts"]
    elif older is not None:
        files.write_atomically(card_file, older)
    if refused:
        raise expected(
            f"{', '.join(settings.formats)} to equal the network",
            "; ".join(refused.values()),
            "All others are whole; train longer, or leave the format out of --formats.",
        )
    return described


def _write_text(path, text):
    files.write_atomically(path, text.encode(), overwrite=True)
    print(f"wrote {path}")
