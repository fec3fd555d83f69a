r"""Paints millions of photos on Apache Beam, on this machine or on a cluster.

Example: python -m nst_tf.batch --model=starry_night_mobile --content='photos/**/*.jpg' \
             --output=painted/ --processes=2
         python -m nst_tf.batch --model=starry_night_mobile --content='gs://bucket/photos/**' \
             --output=gs://bucket/painted/ --runner=DataflowRunner \
             --beam_options='--project=mine --region=europe-west1 --temp_location=gs://bucket/tmp'

What was painted before is passed over. Exits with status 1 if any photo could not be
painted; the others are written all the same.
"""

from nst_tf.config.commandline import flags
from nst_tf.config.painting.batch import BatchSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.pipelines.run import batch


def main(settings: Settings) -> CommandResult:
    return batch(settings)


if __name__ == "__main__":
    flags.run(main, Settings)
