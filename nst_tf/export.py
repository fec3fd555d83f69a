"""Exports trained and published networks to the formats of other runtimes.

Example: python -m nst_tf.export --model=runs/starry --formats=tflite,web --output=exported/starry
"""

from nst_tf.config.commandline import flags
from nst_tf.config.export import ExportSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.core.startup import quiet_start
from nst_tf.exporters.source import find_source


def main(settings: Settings) -> CommandResult:
    for model in settings.model:
        find_source(model)  # raises before the import, which takes seconds
    with quiet_start():
        from nst_tf.exporters.run import export
    return CommandResult({"output": settings.output, "artifacts": export(settings)})


if __name__ == "__main__":
    flags.run(main, Settings)
