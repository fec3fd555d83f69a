"""Times models side by side: size, start, latency, memory, by picture size and threads.

Example: python -m nst_tf.benchmark --models=runs/starry/tflite/starry_int8.tflite,other.tflite \
             --sizes=256,384 --threads=1,2 --output=runs/latency

Every model runs in processes of its own, in turn with the others. Any .tflite that
takes a picture can stand beside ours. Exits with status 1 if one could not be timed;
the others are shown all the same.
"""

from nst_tf.config.benchmark import BenchmarkSettings as Settings
from nst_tf.config.commandline import flags
from nst_tf.core.results import CommandResult
from nst_tf.evaluation.benchmark import benchmark, summarize


def main(settings: Settings) -> CommandResult:
    return summarize(settings, benchmark(settings))


if __name__ == "__main__":
    flags.run(main, Settings)
