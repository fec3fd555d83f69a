"""Exports networks to the formats of other runtimes.

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
from nst_tf.exporters import hub_card
from nst_tf.exporters.source import find_source, open_source
from nst_tf.inference import check_card


def export_model(
    model: str | os.PathLike[str], output: str | os.PathLike[str], **settings: Any
) -> Path:
    """Exports a network: `export_model("runs/starry", "exported/starry")`.

    Args:
        model: a run folder, a .keras file, a SavedModel or a published model's name;
            several between commas for one page.
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
    sources = [find_source(model) for model in settings.model]
    if len(sources) == 1:
        network = open_source(sources[0])
        export_network.check_formats(settings.formats, network)
    files.ensure_writable_folder(folder)
    try:
        with interrupt_on_terminate():  # so that scratch folders are removed
            if len(sources) > 1:
                return _write_page(settings, sources, folder)
            return _write(settings, sources[0], network, folder)
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


def _write(settings, source, network, folder):
    from nst_tf.exporters import export_network, model_card, network_inputs
    from nst_tf.exporters.saved_model import serving_files

    name = folder.resolve().name
    count = network_inputs.count_styles(network)
    labels = source.label_styles(count) if count else ()
    options = {
        "style_image": source.style_image,
        "style_names": labels,
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
        card = model_card.make_card(
            folder, artifacts, source.recorded, labels, source.inherited
        )
        _write_card(folder, card)
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


def _write_page(settings, sources, folder):
    """Writes one page in which all networks can be chosen."""
    from nst_tf.exporters import model_card, network_inputs
    from nst_tf.exporters.web.page import Offer, WebExporter

    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise expected(
            "--model of different names, by which a page tells them apart",
            ", ".join(names),
            "Rename a folder.",
        )
    described = {}

    def open_offers():
        for source in sources:
            network = open_source(source)
            count = network_inputs.count_styles(network)
            labels = source.label_styles(count) if count else ()
            described[source.name] = model_card.describe_network(
                source.recorded, labels, source.inherited
            )
            yield Offer(source.name, network, source.style_image, labels)

    try:
        artifact = WebExporter().export_page(
            open_offers(), folder, settings.web_runtime
        )
    except RuntimeError as error:
        raise expected(
            "a page that equals the networks",
            str(error),
            "Leave that model out of --model.",
        ) from error
    print(f"wrote {artifact}", flush=True)
    card = model_card.make_card_of_several(folder, [artifact], described)
    _write_card(folder, card)
    return card["artifacts"]


def _write_card(folder, card):
    """Writes the card twice: for programs, and for people and Hugging Face's hub."""
    _write_text(folder / check_card.CARD, json.dumps(card, indent=2))
    _write_text(folder / hub_card.README, hub_card.format_readme(card))


def _write_text(path, text):
    files.write_atomically(path, text.encode(), overwrite=True)
    print(f"wrote {path}")
