"""The order in which frames are painted."""

from nst_tf.optimization.video.turns import Turn, plan_turns


def test_passes_alternate_and_scenes_keep_to_themselves():
    turns = list(plan_turns([range(0, 3), range(3, 5)], 3))
    order = [(turn.pass_number, turn.number) for turn in turns]
    forwards, backwards = [0, 1, 2, 3, 4], [2, 1, 0, 4, 3]
    numbers = [forwards, backwards, forwards]
    assert order == [(p, n) for p, each in enumerate(numbers, 1) for n in each]
    assert [turn.number for turn in turns if turn.begins_scene] == [0, 3]


def test_nobody_looks_back_across_a_cut():
    forwards, backwards = Turn(1, 7, 1, 2), Turn(2, 7, -1, 2)
    assert [forwards.look_back(count) for count in (1, 2, 3)] == [6, 5, None]
    assert [backwards.look_back(count) for count in (1, 2, 3)] == [8, 9, None]
