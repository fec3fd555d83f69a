"""Measures models on photos for one style, beside the photo itself and a copy of the style.

Example: python -m nst_tf.evaluate --models=runs/starry,runs/starry/tflite/starry_int8.tflite \
             --content=photos/ --vgg_weights=vgg19.h5 --output=evaluation

Prints one table and writes it, all numbers, a plot of style against content and a
contact sheet. Exits with status 1 if any photo could not be read; the others count.
"""

from nst_tf.config.commandline import flags
from nst_tf.config.evaluate import EvaluateSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.core.startup import quiet_start
from nst_tf.evaluation.check_models import check_models


def main(settings: Settings) -> CommandResult:
    check_models(settings.models)
    with quiet_start():
        from nst_tf.evaluation.run import evaluate
    return evaluate(settings).summarize()


if __name__ == "__main__":
    flags.run(main, Settings)
