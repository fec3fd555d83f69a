"""Averages the weights of runs of one network: often better than the last of them alone.

Example: python -m tools.average_runs runs/any_style_slim runs/any_style_vgg19 --output=runs/any_style

What the last run says of itself is kept, with the names of all in its run.json.

Reference: Izmailov, Podoprikhin, Garipov, Vetrov, Wilson 2018 (arXiv:1803.05407).
"""

import argparse
import sys
from pathlib import Path

from nst_tf.core.errors import UserError, expected
from nst_tf.models.load_network import load_network
from nst_tf.runs.folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="folders, the last trained at the end")
    parser.add_argument("--output", required=True, help="folder of the new run")
    arguments = parser.parse_args()
    try:
        average_runs([Path(each) for each in arguments.runs], Path(arguments.output))
    except UserError as error:
        sys.exit(f"error: {error}")


def average_runs(runs: list[Path], output: Path) -> None:
    """Writes network.keras and run.json of the mean.

    Args:
        runs: folders of runs of one shape, the last trained at the end.
        output: a folder that does not exist.

    Raises:
        UserError: it exists, a run has no network or no record, or the networks differ
            in shape.
    """
    if output.exists():
        raise expected("--output that does not exist", output, "Name another.")
    *others, last = [RunFolder(each) for each in runs]
    for file in (last.record, *(run.network for run in (*others, last))):
        if not file.is_file():
            raise expected(
                f"a run folder with {file.name}",
                f"{file.parent}, which has none",
                "Name runs of nst_tf.train that ended.",
            )
    network = load_network(last.network)
    rows = [network.get_weights()]
    for run in others:
        weights = load_network(run.network).get_weights()
        if [each.shape for each in weights] != [each.shape for each in rows[0]]:
            raise expected(
                f"a network of the shape of {last.path}", run.path, "Leave it out."
            )
        rows.append(weights)
    network.set_weights([sum(each) / len(each) for each in zip(*rows)])
    output.mkdir(parents=True)
    made = RunFolder(output)
    network.save(made.network)
    names = [each.name for each in runs]
    made.note(**last.recorded | {"averaged": names})
    print(f"wrote {made.network}: the mean of {len(rows)} networks")


if __name__ == "__main__":
    main()
