"""In which order the frames of a clip are painted."""

import dataclasses
from collections.abc import Iterator, Sequence


@dataclasses.dataclass(frozen=True)
class Turn:
    """One frame in one pass.

    Attributes:
        pass_number: from 1.
        number: of the frame, from 0.
        step: 1 forwards, -1 backwards.
        position: how many frames of its scene this pass has painted before.
    """

    pass_number: int
    number: int
    step: int
    position: int

    @property
    def begins_scene(self) -> bool:
        """Whether nothing of its scene is painted yet, in this pass or before."""
        return self.pass_number == 1 and self.position == 0

    def look_back(self, count: int) -> int | None:
        """Returns the frame that this pass has painted `count` frames before; None for none."""
        return self.number - count * self.step if count <= self.position else None


def plan_turns(scenes: Sequence[range], passes: int) -> Iterator[Turn]:
    """Yields the turns: all frames forwards, then backwards, and so on; a scene is a clip
    of its own.

    Ruder, Dosovitskiy, Brox 2016 (arXiv:1604.08610), section 4.3. There the first pass
    paints each frame by itself; here it is their single pass, so that one is enough.

    Args:
        scenes: numbers of the frames of each.
        passes: how many.
    """
    for pass_number in range(1, passes + 1):
        step = 1 if pass_number % 2 else -1
        for scene in scenes:
            for position, number in enumerate(scene[::step]):
                yield Turn(pass_number, number, step, position)
