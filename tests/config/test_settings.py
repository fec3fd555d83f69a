"""Settings: every field explained, every unusable value refused by the name of its flag."""

import dataclasses
import math

import pytest

from nst_tf.config import fields
from nst_tf.config.registries import STATISTICS
from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError

FIELDS = {field.name: field for field in dataclasses.fields(TrainSettings)}


def make(**options):
    return TrainSettings(**{"output": "runs/test", "steps": 10, **options})


def test_the_defaults_need_only_a_folder_and_a_budget():
    assert make().method == "feedforward"
    assert TrainSettings(output="runs/test", minutes=1.0).steps == -1


def test_every_setting_has_one_sentence_of_help_and_a_default_of_a_flags_type():
    for name, field in FIELDS.items():
        assert field.metadata["help"].endswith("."), name
        assert type(field.default) in (str, int, float, bool, tuple), name
        if isinstance(field.default, tuple):
            assert all(isinstance(item, str) for item in field.default), name
        annotation = tuple if field.type == tuple[str, ...] else field.type
        assert type(field.default) is annotation, name


def test_settings_cannot_be_changed_behind_the_runs_back():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().steps = 20


CHOICES = [name for name, field in FIELDS.items() if field.metadata["choices"]]
SEVERAL = [name for name in CHOICES if isinstance(FIELDS[name].default, tuple)]


@pytest.mark.parametrize("name", sorted(set(CHOICES) - set(SEVERAL)))
def test_a_choice_outside_the_list_is_refused_and_the_list_shown(name):
    choices = FIELDS[name].metadata["choices"]
    assert FIELDS[name].default in choices
    for choice in choices:
        make(**{name: choice})
    with pytest.raises(UserError) as caught:
        make(**{name: "nonsense"})
    message = str(caught.value)
    assert f"--{name}" in message and all(choice in message for choice in choices)


@pytest.mark.parametrize("name", SEVERAL)
def test_of_several_choices_each_has_to_be_in_the_list(name):
    choices = FIELDS[name].metadata["choices"]
    assert set(FIELDS[name].default) <= set(choices)
    assert getattr(make(**{name: choices}), name) == choices
    with pytest.raises(UserError) as caught:
        make(**{name: (choices[0], "nonsense")})
    message = str(caught.value)
    assert (
        f"--{name}" in message
        and "'nonsense'" in message
        and all(choice in message for choice in choices)
    )


@pytest.mark.parametrize(
    "options",
    [
        {"crop_size": 0},
        {"batch_size": 0},
        {"style_size": 0},
        {"short_side": -1},
        {"short_side": 255},
        {"learning_rate": 0.0},
        {"learning_rate": -1.0},
        {"learning_rate": math.nan},
        {"steps": 0},
        {"steps": -2},
        {"least_steps": -1},
        {"minutes": 0.0},
        {"minutes": math.nan},
        {"checkpoint_steps": 0},
        {"checkpoint_minutes": 0.0},
        {"preview_steps": -1},
        {"seed": -1},
        {"output": ""},
    ],
    ids=str,
)
def test_an_unusable_value_is_refused_by_the_name_of_its_flag(options):
    (name,) = options
    with pytest.raises(UserError) as caught:
        make(**options)
    assert f"--{name}" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"short_side": 0},
        {"short_side": 256},
        {"crop_size": 1},
        {"preview_steps": 0},
        {"seed": 0},
        {"steps": -1, "minutes": 0.1},
        {"steps": 1},
    ],
    ids=str,
)
def test_the_edges_of_what_is_allowed_are_allowed(options):
    make(**options)


def test_a_run_without_a_budget_is_refused():
    with pytest.raises(UserError, match="--steps nor --minutes"):
        TrainSettings(output="runs/test")


def test_resume_and_overwrite_exclude_each_other():
    with pytest.raises(UserError, match="--resume or --overwrite"):
        make(resume=True, overwrite=True)


def test_what_is_learnt_depends_on_no_free_setting():
    free = {name for name, field in FIELDS.items() if field.metadata["resumable"]}
    assert {"output", "resume", "overwrite", "export", "strategy", "data_dir"} <= free
    assert (
        not {
            "seed",
            "steps",
            "style_image",
            "content",
            "batch_size",
            "learning_rate",
            "precision",
        }
        & free
    )


# -- agreement with the rooms that the settings speak of -------------------------------------------


def test_choices_and_defaults_exist_where_they_are_used():
    from nst_tf.config.registries import EXPORTERS
    from nst_tf.data import sources, style_images
    from nst_tf.features import vgg
    from nst_tf.models import adain_net, feature_transforms, transform_net
    from nst_tf.training.methods.registry import METHODS

    defaults = {name: field.default for name, field in FIELDS.items()}
    assert set(FIELDS["method"].metadata["choices"]) == set(METHODS)
    assert set(FIELDS["padding"].metadata["choices"]) == set(transform_net.PADDINGS)
    assert set(FIELDS["statistic"].metadata["choices"]) == set(STATISTICS)
    assert set(FIELDS["transfer"].metadata["choices"]) == set(
        feature_transforms.TRANSFERS
    )
    assert FIELDS["skips"].metadata["choices"] == adain_net.SKIPS
    assert defaults["paintings"] == sources.STYLES
    assert set(defaults["export"]) <= set(EXPORTERS)
    assert set(defaults["content_layers"] + defaults["style_layers"]) <= set(
        vgg.SLIM_LAYERS
    )
    assert defaults["style_image"] in style_images.packaged_styles()
    assert (defaults["width"], defaults["residual_blocks"]) == (
        transform_net.TransformNetConfig().width,
        transform_net.TransformNetConfig().residual_blocks,
    )


# -- layer weights ---------------------------------------------------------------------------------


def test_layer_weights_are_parsed_with_one_as_default():
    assert fields.layer_weights(("relu1_1", "relu2_1:0.5", "relu3_1:2")) == {
        "relu1_1": 1.0,
        "relu2_1": 0.5,
        "relu3_1": 2.0,
    }
    assert fields.layer_weights(()) == {}


@pytest.mark.parametrize("item", ["relu1_1:heavy", "relu1_1:1:2"])
def test_a_layer_weight_that_is_no_number_is_refused(item):
    with pytest.raises(UserError, match="NAME:WEIGHT") as caught:
        fields.layer_weights((item,))
    assert item in str(caught.value)
