"""Every setting of `nst_tf.batch`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses
from pathlib import PurePosixPath

from nst_tf.config.fields import PATH, Field, Other, refuse_unused, setting
from nst_tf.config.painting.folder import STREAM, FolderSettings, is_folder
from nst_tf.config.registries import COLOR_MODES
from nst_tf.core.errors import expected

# By Beam's names. The first is Beam's own for one machine, in Python alone.
RUNNERS = (
    "FnApiRunner",
    "DirectRunner",
    "FlinkRunner",
    "SparkRunner",
    "DataflowRunner",
    "PortableRunner",
)
LOCAL_RUNNERS = RUNNERS[:2]
LIST, TABLE = (".txt",), (".csv", ".parquet")
PATH_NAMES, HASH_NAMES = "path", "hash"
# Of `FolderSettings`: what is painted already is passed over always, and there is no stdout.
_LEFT_OUT = ("skip_existing", "stdout_format")


@dataclasses.dataclass(frozen=True)
class BatchSettings(FolderSettings):
    """Settings of `nst_tf.batch`; each field is the flag of the same name."""

    content: str = setting(
        "",
        "Photos on any filesystem that Beam has (a path, gs://, s3://, hdfs://): a photo, a folder that ends "
        "in /, a glob such as 'gs://bucket/a/**/*.jpg', a list (.txt, a path a line) or a table (.csv, .parquet).",
        path=PATH,
    )
    output: str = setting(
        "",
        "Folder for the pictures, the manifest and failed.jsonl, on any filesystem that Beam has.",
        required="See --help.",
        path=PATH,
    )
    overwrite: bool = setting(
        False,
        "Paint again what another model, other settings or another photo made, and replace files that are "
        "there; what is up to date is passed over all the same.",
    )
    style_size: int = setting(
        512,
        "Short side of the pictures of --style at most, pixels: it sets the size of strokes.",
        least=1,
        used_if={"style": Other(())},
    )
    preserve_color: str = setting(
        "none",
        "Keep the photo's colors: lightness alone is painted, or histograms or moments of "
        "the colors are matched.",
        choices=("none", *COLOR_MODES),
    )
    names: str = setting(
        PATH_NAMES,
        "What pictures are called: path keeps the photo's own folders and name, hash is the SHA-256 of the "
        "photo's path, its bytes, the model and the settings.",
        choices=(PATH_NAMES, HASH_NAMES),
    )
    root: str = setting(
        "",
        "Folder from which on the folders of a list's or table's photos are kept; empty for the folder that "
        "the list lies in.",
        used_if={"names": PATH_NAMES},
        path=PATH,
    )
    column: str = setting("path", "The table's column that has the photos' paths.")
    runner: str = setting(
        RUNNERS[0],
        "What runs the pipeline, by Beam's names; FnApiRunner is this machine. DirectRunner is it too, but "
        "may try to download Prism, a program of Beam's, first.",
        choices=RUNNERS,
    )
    processes: int = setting(
        1,
        "Processes that paint on this machine, each with a model of its own.",
        least=1,
        most=256,
        used_if={"runner": LOCAL_RUNNERS},
    )
    beam_options: str = setting(
        "",
        "Beam's own options in one text, as a shell would read them, such as "
        "'--region=europe-west1 --temp_location=gs://bucket/tmp'.",
    )

    @classmethod
    def flag_fields(cls) -> tuple[Field, ...]:
        fields = dataclasses.fields(cls)
        return tuple(field for field in fields if field.name not in _LEFT_OUT)

    def _check(self) -> None:
        super()._check()
        if STREAM in (self.content, self.output) or not is_folder(self.output):
            raise expected(
                "photos as --content and a folder as --output",
                f"--content={self.content} --output={self.output}",
                "End a folder's name in /; one photo is for nst stylize.",
            )
        if self.root and not self.is_list:
            raise refuse_unused(
                "root", "a list or a table as --content", f"--content={self.content}"
            )
        if self.column != "path" and not self.is_table:
            raise refuse_unused(
                "column", "a table as --content", f"--content={self.content}"
            )

    @property
    def is_table(self) -> bool:
        """Whether --content is a table of photos."""
        return PurePosixPath(self.content).suffix.lower() in TABLE

    @property
    def is_list(self) -> bool:
        """Whether --content is a list or a table of photos, not photos themselves."""
        return PurePosixPath(self.content).suffix.lower() in (*LIST, *TABLE)
