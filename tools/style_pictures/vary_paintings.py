"""Makes many style pictures of few, for networks of any style to learn from.

    python -m tools.style_pictures.vary_paintings --paintings=paintings --output=varied --exchanged=160 --painted=30

An exchanged picture has the strokes of one painting and the colors of another; a painted
one is that of a packaged style's program by another seed. Both follow from --seed.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import tqdm
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core.errors import expected
from nst_tf.images import color, io as image_io
from tools.style_pictures.paint_styles import STYLES

_PAINTED_SIZE = 480, 600  # pixels
_QUALITY = 92  # of the JPEG


@dataclasses.dataclass(frozen=True)
class Variation:
    """How one picture is made.

    Attributes:
        path: of the JPEG to write.
        strokes: the painting that is recolored, or the name of a program.
        colors: the painting whose colors it gets; None for a program.
        seed: of the program.
    """

    path: Path
    strokes: str
    colors: str | None
    seed: int

    def write(self, side: int) -> None:
        """Writes the picture; a recolored one with a short side of `side` pixels."""
        if self.colors is None:
            paint = STYLES[self.strokes].paint
            rgb = image_io.to_float(paint(self.seed, *_PAINTED_SIZE))
        else:
            strokes, colors = (
                image_io.read_image(path, short_side=side).rgb
                for path in (self.strokes, self.colors)
            )
            rgb = color.histogram(strokes, colors)
        image_io.write_image(self.path, image_io.Image(rgb), quality=_QUALITY)


def plan_variations(
    paintings: list[Path], folder: Path, exchanged: int, painted: int, seed: int
) -> Iterator[Variation]:
    """Yields what to make: no pair of paintings twice, and the programs in turn.

    Args:
        paintings: at least two, if any are to be exchanged.
        folder: to write to.
        exchanged, painted: how many of each kind.
        seed: at least 0.
    """
    rng = np.random.default_rng(seed)
    pairs = list(itertools.permutations(paintings, 2))
    for number in rng.permutation(len(pairs))[:exchanged]:
        strokes, colors = pairs[number]
        name = f"{strokes.stem}__in_colors_of__{colors.stem}.jpg"
        yield Variation(folder / name, str(strokes), str(colors), 0)
    for number, name in zip(range(painted), itertools.cycle(STYLES)):
        # The packaged pictures have seeds below 100.
        own = 100 + 1000 * seed + number
        yield Variation(folder / f"{name}_{own}.jpg", name, None, own)


def main() -> None:
    """Makes what the flags ask for."""
    options = flags.FLAGS
    paintings = image_io.find_images(options.paintings)
    most = len(paintings) * (len(paintings) - 1)
    if options.exchanged > most:
        raise expected(
            f"--exchanged of at most {most}, the pairs of {len(paintings)} paintings",
            options.exchanged,
            "Lower it, or add paintings.",
        )
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan_variations(
        paintings, folder, options.exchanged, options.painted, options.seed
    )
    with ProcessPoolExecutor(options.processes) as pool:
        made = [pool.submit(each.write, options.side) for each in plan]
        for each in tqdm.tqdm(made, unit="picture"):
            each.result()


if __name__ == "__main__":
    flags.DEFINE_string("paintings", None, "Folder or glob.", required=True)
    flags.DEFINE_string("output", None, "Folder to write to.", required=True)
    flags.DEFINE_integer("exchanged", 160, "Paintings in others' colors.", 0)
    flags.DEFINE_integer("painted", 30, "Pictures by programs.", 0)
    flags.DEFINE_integer("seed", 1, "Of pairs and programs.", 0)
    flags.DEFINE_integer("side", 640, "Short side of recolored paintings, pixels.", 1)
    flags.DEFINE_integer("processes", 2, "That work at once.", 1)
    config_flags.run(main)
