"""Every setting of `nst_tf.export`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import PATH, Includes, Settings, setting
from nst_tf.config.registries import EXPORTERS


@dataclasses.dataclass(frozen=True)
class ExportSettings(Settings):
    """Settings of `nst_tf.export`; each field is the flag of the same name."""

    model: str = setting(
        "", "Run folder or .keras file.", required="See --help.", path=PATH
    )
    formats: tuple[str, ...] = setting(
        ("saved_model", "tflite"),
        "Formats to export to.",
        required="See --help.",
        choices=EXPORTERS,
    )
    output: str = setting(
        "",
        "Folder for the exports; its name names the files in it.",
        required="See --help.",
        path=PATH,
    )
    sizes: tuple[int, ...] = setting(
        (),
        "For the format tflite: sides in pixels of more files, each of one fixed size, for GPUs, whose runtimes "
        "take no other; networks of any style have 256,384,512.",
        least=1,
        used_if={"formats": Includes("tflite")},
    )
    web_runtime: str = setting(
        "",
        "For the format web: the tarball of npm's package @litertjs/core, or a folder with its files; empty: "
        "npm fetches it once, into the user's cache.",
        used_if={"formats": Includes("web")},
        path=PATH,
    )
    overwrite: bool = setting(False, "Replace exports in a folder that exists.")
