"""Exports a trained network to the formats of other runtimes.

Example: python -m nst_tf.export --model=runs/starry --formats=tflite,web
    --output=exported/starry
"""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """Settings of `nst_tf.export`; each field is the flag of the same name."""

    model: str = setting("", "Run folder or .keras file.")
    formats: tuple[str, ...] = setting(
        ("saved_model", "tflite"), "Formats to export to."
    )
    output: str = setting("", "Folder for the exports; its name names the files in it.")
    sizes: tuple[str, ...] = setting(
        (),
        "For the format tflite: sides in pixels of more files, each of one fixed size, for GPUs, whose runtimes "
        "take no other; networks of any style have 256,384,512.",
    )
    web_runtime: str = setting(
        "",
        "For the format web: the tarball of npm's package @litertjs/core, or a folder with its files; empty: "
        "npm fetches it once, into the user's cache.",
    )
    overwrite: bool = setting(False, "Replace exports in a folder that exists.")

    def __post_init__(self):
        for name in ("model", "formats", "output"):
            if not getattr(self, name):
                raise expected(f"--{name}", "none", "See --help.")
        if not all(size.isdecimal() and int(size) > 0 for size in self.sizes):
            raise expected(
                "--sizes as whole numbers of at least 1",
                ",".join(self.sizes),
                "Try 256,512.",
            )
