"""Attacks on a student whose weights are random: they need no teacher."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.data import pipeline, sources
from nst_tf.ops import statistics
from nst_tf.training.distillation import adversaries, student

pytestmark = pytest.mark.slow

SIZE = 32


@pytest.fixture
def judgement(monkeypatch):
    monkeypatch.setattr(adversaries, "PIXEL_SLOTS", 6)
    monkeypatch.setattr(adversaries, "NETWORK_WIDTH", 4)
    monkeypatch.setattr(adversaries, "NETWORK_BLOCKS", 1)
    keras.utils.set_random_seed(3)
    return adversaries.StudentLoss(student.build_student((3, 4, 4, 5, 5)))


@pytest.fixture(scope="module")
def pictures():
    source = sources.open_source("builtin:photos")
    stream = pipeline.crops(
        source, pipeline.CropConfig(SIZE, SIZE + 8, 1), pipeline.Shard(8), 0
    )
    return next(iter(stream))["image"]


def test_the_students_loss_is_that_of_its_maps_in_the_teachers_channels(
    judgement, pictures
):
    drawn, photos, styles = pictures[:2], pictures[2:4], pictures[4:6]
    errors = judgement.terms(judgement.maps(drawn), photos, styles)
    embedded = [judgement.network(each)["embedded"] for each in (drawn, photos, styles)]
    for layer, error in errors.items():
        if layer == student.CONTENT_LAYER:
            value, target = embedded[0][layer], embedded[1][layer]
        else:
            value, target = (statistics.gram_matrix(embedded[i][layer]) for i in (0, 2))
        wanted = [
            np.sum((value[i] - target[i]) ** 2) / np.sum(target[i] ** 2)
            for i in range(2)
        ]
        np.testing.assert_allclose(error, wanted, rtol=1e-4)
    style = sum(errors[layer] for layer in student.STYLE_LAYERS) / 5
    total = np.sum(errors["relu4_2"] + adversaries.STYLE_WEIGHT * style)
    assert float(judgement.total(errors)) == pytest.approx(total, rel=1e-5)


def test_a_picture_that_is_both_photo_and_style_has_no_loss(judgement, pictures):
    errors = judgement.terms(judgement.maps(pictures[:2]), pictures[:2], pictures[:2])
    assert float(judgement.total(errors)) == pytest.approx(0, abs=1e-6)


def loss_and_gradient(judgement, drawn, photos, styles):
    with tf.GradientTape() as tape:
        tape.watch(drawn)
        loss = judgement.total(judgement.terms(judgement.maps(drawn), photos, styles))
    return float(loss), tape.gradient(loss, drawn)


def test_visited_pixels_lower_the_students_loss(judgement, pictures, monkeypatch):
    monkeypatch.setattr(
        adversaries, "PIXEL_STEP", 0.002
    )  # random networks have rough losses
    attack = adversaries.PixelAdversary(SIZE)
    photos, styles = pictures[:2], pictures[2:4]
    slots, drawn = tf.constant([4, 1]), photos
    losses = []
    for _ in range(6):
        loss, gradient = loss_and_gradient(judgement, drawn, photos, styles)
        attack.move(slots, drawn, gradient)
        drawn = tf.gather(attack.state["attacked"], slots)
        losses.append(loss)
    assert losses[-1] < 0.9 * losses[0]


def test_visits_fill_the_pool_and_give_back_what_was_put_there(pictures, monkeypatch):
    monkeypatch.setattr(adversaries, "PIXEL_SLOTS", 6)
    attack = adversaries.PixelAdversary(SIZE)
    for step in range(40):
        slots, drawn, photos, styles = attack.visit(
            pictures[:2], pictures[2:4], tf.constant([step, 1])
        )
        attack.move(slots, drawn, tf.ones_like(drawn))
    assert attack.state["filled"].numpy().all()
    seen_photos, attacked, seen_styles = attack.seen()
    for pool, fresh in ((seen_photos, pictures[:2]), (seen_styles, pictures[2:4])):
        assert all(any(np.array_equal(one, known) for known in fresh) for one in pool)
    assert len(attacked) == len(seen_photos)


def test_only_visited_slots_are_shown(pictures, monkeypatch):
    monkeypatch.setattr(adversaries, "PIXEL_SLOTS", 6)
    attack = adversaries.PixelAdversary(SIZE)
    attack.visit(pictures[:2], pictures[2:4], tf.constant([0, 1]))
    assert [len(each) for each in attack.seen()] == [2, 2, 2]


def trained(judgement, networks, photos, steps):
    """Loss of the networks' pictures before each of `steps` steps on the same photos."""
    losses = []
    for _ in range(steps):
        with tf.GradientTape(persistent=True) as tape:
            painted = networks.draw(photos)
        loss, gradient = loss_and_gradient(judgement, painted, photos, networks.styles)
        networks.learn(tape, painted, gradient)
        losses.append(loss)
    return losses


def test_networks_learn_to_lower_the_students_loss(judgement, pictures):
    networks = adversaries.NetworkAdversary(2, SIZE)
    networks.renew(pictures[2:4], tf.constant([0, 1]))
    losses = trained(judgement, networks, pictures[:2], 7)
    assert losses[-1] < 0.9 * losses[0]


def test_a_network_learns_from_its_own_picture_alone(judgement, pictures):
    networks = adversaries.NetworkAdversary(2, SIZE)
    networks.renew(pictures[2:4], tf.constant([0, 1]))
    with tf.GradientTape(persistent=True) as tape:
        painted = networks.draw(pictures[:2])
    gradient = tf.concat([tf.zeros_like(painted[:1]), tf.ones_like(painted[1:])], 0)
    networks.learn(tape, painted, gradient)

    def moved(index):
        return any(
            np.any(weight.numpy() != first.numpy())
            for weight, first in zip(
                networks.state[f"painter{index}"].trainable_variables,
                networks._beginnings[index],
            )
        )

    assert not moved(0) and moved(1)


def test_a_renewed_network_begins_anew_with_another_style(
    judgement, pictures, monkeypatch
):
    networks = adversaries.NetworkAdversary(2, SIZE)
    networks.renew(pictures[2:4], tf.constant([0, 1]))
    style = networks.styles.numpy()
    first = trained(judgement, networks, pictures[:2], 2)
    monkeypatch.setattr(adversaries, "NETWORK_RENEWAL", 0.0)
    networks.renew(pictures[4:6], tf.constant([9, 1]))
    assert np.array_equal(networks.styles, style)
    monkeypatch.setattr(adversaries, "NETWORK_RENEWAL", 1.0)
    networks.renew(pictures[4:6], tf.constant([9, 1]))
    assert not np.array_equal(networks.styles, style)
    # With the old styles again, everything repeats: no weight and no moment was left
    # over.
    networks.styles.assign(style)
    assert trained(judgement, networks, pictures[:2], 2) == pytest.approx(
        first, rel=1e-5
    )


def test_disturbed_pictures_are_other_pictures_near_the_unit_range_and_repeatable(
    pictures,
):
    changed, again, other = (
        adversaries.disturb(pictures, tf.constant(seed))
        for seed in ([1, 2], [1, 2], [2, 2])
    )
    assert np.array_equal(changed, again) and not np.array_equal(changed, other)
    assert changed.shape == pictures.shape
    assert (
        -0.1001 <= float(tf.reduce_min(changed))
        and float(tf.reduce_max(changed)) <= 1.1001
    )
