"""Every setting of `nst_tf.export`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import PATH, Includes, Settings, check_distinct, setting
from nst_tf.config.registries import EXPORTERS
from nst_tf.core.errors import expected
from nst_tf.core.lists import join_list


@dataclasses.dataclass(frozen=True)
class ExportSettings(Settings):
    """Settings of `nst_tf.export`; each field is the flag of the same name."""

    model: tuple[str, ...] = setting(
        (),
        "What to export: a run folder, a .keras file, a SavedModel with its card, or a published model's name (`nst "
        "models` lists them). Several between commas make one page, for the format web alone.",
        required="See --help.",
        path=PATH,
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
        "take no other; networks of any style have 256,384,512. For coreml: of its packages; else 384.",
        least=1,
        used_if={"formats": Includes(("tflite", "coreml"))},
    )
    web_runtime: str = setting(
        "",
        "For the format web: the tarball of npm's package @litertjs/core, or a folder with its files; empty: "
        "npm fetches it once, into the user's cache.",
        used_if={"formats": Includes(("web",))},
        path=PATH,
    )
    overwrite: bool = setting(False, "Replace exports in a folder that exists.")

    def _check(self) -> None:
        super()._check()
        check_distinct("model", self.model)
        if len(self.model) > 1 and self.formats != ("web",):
            raise expected(
                "--formats=web for several --model, which make one page",
                join_list(self.formats),
                "Give --formats=web, or export one model at a time.",
            )
