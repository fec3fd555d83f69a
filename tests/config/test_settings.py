"""Settings: every field explained, every unusable value refused by the name of its flag."""

import contextlib
import dataclasses
import math
import os
import subprocess
import sys
import typing

import pytest
from absl import flags as absl_flags

from nst_tf.config import fields, perceptual, registries
from nst_tf.config.benchmark import BenchmarkSettings
from nst_tf.config.commandline import flags
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.config.export import ExportSettings
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.painting.client import ClientSettings
from nst_tf.config.painting.folder import split_share
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.config.registries import METHOD_SETTINGS as SETTINGS
from nst_tf.config.train import AnyStyleSettings, TrainSettings
from nst_tf.core import lists
from nst_tf.core.errors import UserError

TRAIN = {"output": "x", "steps": 1}
FIELDS = {field.name: field for field in TrainSettings.flag_fields()}


def make(**options):
    """Settings of the first method that has all these."""
    values = {"output": "runs/test", "steps": 10, "batch_size": 6, **options}
    for method, settings in SETTINGS.items():
        if set(options) <= {field.name for field in dataclasses.fields(settings)}:
            return TrainSettings.of({"method": method, **values})
    raise AssertionError(f"no method has all of {options}")


def test_the_defaults_need_only_a_folder_and_a_budget():
    assert make().method == "feedforward"
    assert TrainSettings.of({"output": "runs/test", "minutes": 1.0}).steps == -1


def test_every_setting_has_one_sentence_of_help_and_a_default_of_a_flags_type():
    for name, field in FIELDS.items():
        assert field.metadata["help"].endswith("."), name
        assert type(field.default) in (str, int, float, bool, tuple), name
        if isinstance(field.default, tuple):
            kind, _ = typing.get_args(field.type)
            assert kind in (str, int, float), name
            assert all(type(item) is kind for item in field.default), name
        else:
            assert type(field.default) is field.type, name


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
        {"crop_size": 16},
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
        TrainSettings.of({"output": "runs/test"})


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


# -- a setting that does not count -----------------------------------------------------------------

ANY_STYLE = {"method": "any_style", "output": "x", "steps": 1}
OPTIMIZE = {"content": "a.jpg", "style": ("b.jpg",), "output": "c.png"}
STYLIZE = {"model": "m", "content": "a.jpg", "output": "b.jpg"}


@pytest.mark.parametrize(
    "settings, values, name, condition, received",
    [
        (TrainSettings, {**ANY_STYLE, "temporal_weight": 5.0}, "temporal_weight",
         "--method=feedforward", "--method=any_style"),
        (TrainSettings, {**TRAIN, "transfer": "efdm"}, "transfer", "--method=any_style", "--method=feedforward"),
        (TrainSettings, {**TRAIN, "paintings": "/nope"}, "paintings", "--method=any_style", "--method=feedforward"),
        (TrainSettings, {**ANY_STYLE, "strength": True}, "strength", "--method=feedforward", "--method=any_style"),
        (TrainSettings, {**ANY_STYLE, "width": 8}, "width", "--network=style_prediction", "--network=adain"),
        (TrainSettings, {**ANY_STYLE, "network": "style_prediction", "skips": ("relu1_1",)}, "skips",
         "--network=adain", "--network=style_prediction"),
        (TrainSettings, {**TRAIN, "vgg_weights": "/nope.h5"}, "vgg_weights", "--feature_network=vgg19",
         "--feature_network=slim_vgg19"),
        (TrainSettings, {**ANY_STYLE, "vgg_weights": "/nope.h5"}, "vgg_weights",
         "--feature_network=vgg19 or --encoder=vgg19", "--feature_network=slim_vgg19, --encoder=slim_vgg19"),
        (TrainSettings, {**TRAIN, "feature_network": "vgg19", "slim_weights": "a.npz"}, "slim_weights",
         "--feature_network=slim_vgg19", "--feature_network=vgg19"),
        (TrainSettings, {**TRAIN, "least_steps": 3}, "least_steps", "--minutes", "no --minutes"),
        (TrainSettings, {**TRAIN, "identity_weight": 3.0}, "identity_weight", "--strength", "no --strength"),
        (TrainSettings, {"method": "slim_features", "output": "x", "steps": 1, "batch_size": 3, "width": 8},
         "width", "--method=feedforward or any_style", "--method=slim_features"),
        (EvaluateSettings, {"output": "x", "slim_weights": "a.npz"}, "slim_weights",
         "--feature_network=slim_vgg19", "--feature_network=vgg19"),
        (OptimizeSettings, {**OPTIMIZE, "learning_rate": 0.1}, "learning_rate", "--optimizer=adam", "--optimizer=lbfgs"),
        (OptimizeSettings, {**OPTIMIZE, "averaging": 0.1}, "averaging", "--optimizer=adam", "--optimizer=lbfgs"),
        (OptimizeSettings, {**OPTIMIZE, "optimizer": "adam", "memory": 3}, "memory", "--optimizer=lbfgs", "--optimizer=adam"),
        (OptimizeSettings, {**OPTIMIZE, "optimizer": "adam", "precondition": False}, "precondition",
         "--optimizer=lbfgs", "--optimizer=adam"),
        (OptimizeSettings, {**OPTIMIZE, "color_when": "after"}, "color_when", "--preserve_color", "--preserve_color=none"),
        (OptimizeSettings, {**OPTIMIZE, "scales": 2, "smallest": 64}, "smallest", "--scales=0", "--scales=2"),
        (OptimizeSettings, {**OPTIMIZE, "scales": 1, "scale_factor": 3.0}, "scale_factor",
         "another --scales than 1", "--scales=1"),
        (OptimizeSettings, {**OPTIMIZE, "scales": 1, "coarse_iterations": 3}, "coarse_iterations",
         "another --scales than 1", "--scales=1"),
        (StylizeSettings, {**STYLIZE, "seed": 3}, "seed", "--texture_size", "no --texture_size"),
        (StylizeSettings, {**STYLIZE, "content_masks": ("m.png",)}, "content_masks", "--style", "no --style"),
        (ExportSettings, {"model": "m", "output": "x", "web_runtime": "a.tgz"}, "web_runtime",
         "web among --formats", "--formats=saved_model,tflite"),
        (ClientSettings, {"model": "m", "content": "a", "output": "b", "server": "h:1", "signature": "serving_default",
                          "encoding": "jpg"}, "encoding", "--signature=serving_bytes", "--signature=serving_default"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_setting_that_does_not_count_is_refused_by_name(
    settings, values, name, condition, received
):
    with pytest.raises(UserError) as caught:
        settings.of(values)
    assert str(caught.value) == (
        f"Expected --{name} with {condition}. Received: {received}. Leave --{name} out."
    )


@pytest.mark.parametrize("method", SETTINGS)
def test_settings_at_their_defaults_are_always_accepted(method):
    """As in the flagfiles of earlier runs, which list them all."""
    values = {field.name: field.default for field in TrainSettings.flag_fields()}
    values |= {"method": method, "output": "x", "steps": 1, "batch_size": 3}
    assert TrainSettings.of(values).method == method


def test_a_setting_of_several_methods_means_the_same_for_each():
    for field in TrainSettings.flag_fields():
        for settings in SETTINGS.values():
            own = settings.__dataclass_fields__.get(field.name, field)
            assert (
                field.name == "method"
                or own == field
                or (
                    own.default == field.default
                    and own.metadata["help"] == field.metadata["help"]
                )
            ), field.name


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_a_layer_named_twice_is_refused(name):
    with pytest.raises(UserError, match=f"each of --{name} once. Received: relu1_1"):
        make(**{name: ("relu1_1", "relu1_1:0.5")})


def test_what_counts_beside_others_is_accepted():
    TrainSettings.of({**ANY_STYLE, "encoder": "vgg19", "vgg_weights": "a.h5"})
    TrainSettings.of({**ANY_STYLE, "network": "style_prediction", "width": 8})
    TrainSettings.of({**ANY_STYLE, "identity_weight": 0.0})
    TrainSettings.of({**TRAIN, "minutes": 1.0, "least_steps": 3})
    StylizeSettings(model="m", output="b.jpg", texture_size="8x8", seed=3)


@pytest.mark.parametrize(
    "settings, changes, message",
    [
        (ClientSettings, {"protocol": "smoke-signals"}, "--protocol among grpc, rest"),
        (ClientSettings, {"encoding": "gif"}, "--encoding among png, jpg"),
        (ClientSettings, {"strength": 1.5}, "--strength from 0 to 1"),
        (ClientSettings, {"deadline": math.inf}, "--deadline above 0"),
        (ClientSettings, {"style_weights": ("1", "x")}, "numbers as --style_weights"),
        (ClientSettings, {"style_weights": (0.0, 0.0)}, "not all 0"),
        (ExportSettings, {"formats": ("gguf",)}, "--formats among saved_model, tflite"),
        (
            ExportSettings,
            {"sizes": ("256", "0")},
            "--sizes as whole numbers of at least 1. Received: 256,0",
        ),
        (
            BenchmarkSettings,
            {"threads": ("two",)},
            "--threads as whole numbers from 1 to 1024. Received: two",
        ),
        (EvaluateSettings, {"gatys": ("0",)}, "--gatys as whole numbers of at least 1"),
    ],
)
def test_every_command_checks_choices_and_numbers(settings, changes, message):
    needed = {
        "model": "m",
        "models": ("m",),
        "content": "a",
        "output": "b",
        "server": "host:1",
    }
    own = {field.name for field in settings.flag_fields()}
    given = {name: value for name, value in needed.items() if name in own}
    settings.of(given)
    with pytest.raises(UserError, match=message):
        settings.of({**given, **changes})


def test_lists_of_numbers_are_parsed_once():
    settings = BenchmarkSettings(models=("m",), sizes=("32", "64"), threads=("2",))
    assert (settings.sizes, settings.threads) == ((32, 64), (2,))


# -- earlier names ---------------------------------------------------------------------------------


def test_earlier_names_are_read():
    settings = TrainSettings.of(
        {
            "method": "adain",
            "any_style": "modulated",
            "transfer": "correlation",
            "content_target": "transferred",
            "output": "x",
            "steps": 1,
        }
    )
    assert (settings.method, settings.network, settings.transfer) == (
        "any_style",
        "style_prediction",
        "wct",
    )


def test_earlier_flags_are_read_from_a_flagfile(tmp_path):
    path = tmp_path / "old.flags"
    path.write_text(
        "--method=adain\n--any_style=modulated\n--output=x\n--steps=1\n--width=8\n"
    )
    own = absl_flags.FlagValues()
    flags.define(TrainSettings, own)
    own(["train", f"--flagfile={path}"])
    settings = flags.read(TrainSettings, own)
    assert isinstance(settings, AnyStyleSettings)
    assert (settings.network, settings.width) == ("style_prediction", 8)


def test_alpha_is_strength():
    own = absl_flags.FlagValues()
    flags.define(StylizeSettings, own)
    own(["stylize", "--model=m", "--content=a", "--output=b", "--alpha=0.25"])
    assert flags.read(StylizeSettings, own).strength == 0.25


# -- styles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "style, weights, expected",
    [
        ((), (), None),
        ((), (1, 0), (1, 0)),
        (("wave",), (), {"wave": 1.0}),
        (("wave:2", "cafe:1"), (), {"wave": 2.0, "cafe": 1.0}),
        (("wave:2", "cafe"), (), {"wave": 2.0, "cafe": 1.0}),
        (("wave", "cafe"), (3, 1), {"wave": 3.0, "cafe": 1.0}),
        (("https://a.org/b.jpg",), (), {"https://a.org/b.jpg": 1.0}),
        (("https://a.org/b.jpg:0.5",), (), {"https://a.org/b.jpg": 0.5}),
        (("https://a.org:80/b.jpg",), (), {"https://a.org:80/b.jpg": 1.0}),
    ],
)
def test_styles_are_named_with_their_shares(style, weights, expected):
    settings = StylizeSettings(**STYLIZE, style=style, style_weights=weights)
    assert settings.style_argument == expected


def test_a_style_that_is_a_path_as_a_whole_is_taken_whole(tmp_path):
    path = tmp_path / "at 12:30"
    assert split_share(str(path)) == (str(tmp_path / "at 12"), 30.0)
    path.write_bytes(b"")
    assert split_share(str(path)) == (str(path), None)


@pytest.mark.parametrize(
    "style, weights, message",
    [
        (("wave:-1",), (), "a share of at least 0 in --style. Received: wave:-1"),
        (("wave:nan",), (), "a share of at least 0 in --style"),
        (("wave:inf",), (), "a share of at least 0 in --style"),
        (("wave:0", "cafe:0"), (), "a share above 0 in --style"),
        (("wave", "wave:2"), (), "each of --style once"),
        (("wave:1", "cafe"), (1, 2), "shares in --style or --style_weights"),
        (("wave", "cafe"), (1,), "2 numbers as --style_weights"),
        ((), (0, 0), "not all 0"),
        ((), (1, -1), "--style_weights of at least 0"),
    ],
)
def test_shares_that_blend_nothing_are_refused(style, weights, message):
    with pytest.raises(UserError, match=message):
        StylizeSettings(**STYLIZE, style=style, style_weights=weights)


# -- paths and lists -------------------------------------------------------------------------------

COMMANDS = {
    "train": TrainSettings,
    "optimize": OptimizeSettings,
    "stylize": StylizeSettings,
    "evaluate": EvaluateSettings,
    "export": ExportSettings,
    "benchmark": BenchmarkSettings,
    "client": ClientSettings,
}
# Settings whose text names no file. Whoever adds a setting of text says which it is.
NO_PATHS = {
    "memory",
    "codec",
    "content_layers",
    "end",
    "model_version",
    "reference",
    "server",
    "start",
    "style_layers",
    "style_sha256",
    "texture_size",
}
NEEDED = {
    "model": "m",
    "models": "m",
    "content": "a",
    "style": "b",
    "output": "o.png",
    "server": "host:1",
    "steps": "1",
}


def parse(settings, *arguments):
    """Settings of a command line; those that it needs are given."""
    own = absl_flags.FlagValues()
    flags.define(settings, own)
    names = {field.name for field in settings.flag_fields()}
    needed = [f"--{name}={text}" for name, text in NEEDED.items() if name in names]
    with pytest.raises(SystemExit) as ended:
        flags.run(lambda: None, None, [*needed, *arguments], own)
    assert not ended.value.code
    return flags.read(settings, own)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_text_says_whether_it_names_files(command):
    for field in COMMANDS[command].flag_fields():
        texts = field.type in (str, tuple[str, ...])
        if (command, field.name) == ("client", "model"):
            texts = False  # the server's name of it
        if texts and not field.metadata["choices"]:
            assert bool(field.metadata["path"]) != (field.name in NO_PATHS), field.name


@pytest.mark.parametrize("command", COMMANDS)
def test_a_tilde_is_the_home_folder_in_every_path(command, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for field in COMMANDS[command].flag_fields():
        if not field.metadata["path"]:
            continue
        found = fields.parse_value(field, "~/a.png")
        found = found if isinstance(found, tuple) else (found,)
        assert found == (f"{tmp_path}/a.png",), field.name
        if isinstance(field.default, tuple) or field.metadata["path"] == fields.PATHS:
            several = fields.parse_value(field, "~/a.png,x/~,~/b")
            wanted = [f"{tmp_path}/a.png", "x/~", f"{tmp_path}/b"]
            if isinstance(several, str):
                several = lists.split_list(several)
            assert list(several) == wanted, field.name


def test_a_tilde_behind_a_name_and_in_a_family_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/people/me")
    found = EvaluateSettings(output="o", models=("x=~/a+~/b", "~/c=d"))
    assert found.models == ("x=/people/me/a+/people/me/b", "/people/me/c=d")
    assert BenchmarkSettings(models=("x=~/a",)).named_models == [("x", "/people/me/a")]


def test_names_with_commas_are_quoted_or_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = OptimizeSettings.of({**OPTIMIZE, "style": '"a,b.jpg",c.jpg'})
    assert settings.style == ("a,b.jpg", "c.jpg")
    (tmp_path / "d,e.jpg").write_bytes(b"")
    assert OptimizeSettings.of({**OPTIMIZE, "style": "d,e.jpg"}).style == ("d,e.jpg",)
    train = TrainSettings.of({**TRAIN, "style_image": "d,e.jpg", "content": '"f,g",h'})
    assert train.styles == (("d,e.jpg", ""),)
    assert lists.split_list(train.content) == ("f,g", "h")


def test_texts_that_a_flagfile_cannot_hold_are_refused():
    for bad in ("a\nb", "a\0b", "a\r"):
        with pytest.raises(UserError, match="--content in one line"):
            OptimizeSettings(**{**OPTIMIZE, "content": bad})


def write_flags(settings, path):
    lines = [f"--{name}={text}" for name, text in settings.to_flags().items()]
    path.write_bytes("\n".join(lines).encode(errors="surrogateescape"))


@pytest.mark.parametrize("names", [("a,b", 'c"d'), ("ü",), ("\udcff", " x"), ("=",)])
@pytest.mark.parametrize("command", ["train", "optimize", "stylize", "evaluate"])
def test_flags_written_are_the_settings_read(command, names, tmp_path):
    settings = COMMANDS[command]
    own = {field.name: field for field in settings.flag_fields()}
    names = tuple(name.strip() for name in names)
    given = {name: NEEDED[name] for name in NEEDED if name in own}
    given["content"] = fields.text_of(names[:1])
    several = "style_image" if command == "train" else "style"
    if several in own:
        given[several] = fields.text_of(names)
    if command != "train":
        given["content"] = names[0]
    before = settings.of(given)
    write_flags(before, tmp_path / "run.flags")
    assert parse(settings, f"--flagfile={tmp_path / 'run.flags'}") == before


# -- flagfiles -------------------------------------------------------------------------------------


def test_a_flagfile_is_utf8_with_or_without_a_mark_in_any_locale(tmp_path):
    for mark in (b"", b"\xef\xbb\xbf"):
        path = tmp_path / "ü.flags"
        text = "# Farbe: grün\n--content=Ö.jpg\n\n// more\n  --iterations=7  \n"
        path.write_bytes(mark + text.encode())
        code = (
            "import sys; from nst_tf.config.commandline import flags\n"
            "from nst_tf.config.optimize import OptimizeSettings\n"
            "def main(settings):\n"
            "    print(ascii(settings.content), settings.iterations)\n"
            "flags.run(main, OptimizeSettings)"
        )
        arguments = [f"--flagfile={path}", "--output=o.png"]
        for locale in ({"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):
            done = subprocess.run(
                [sys.executable, "-c", code, *arguments],
                env={**os.environ, "PYTHONCOERCECLOCALE": "0", **locale},
                capture_output=True,
                text=True,
            )
            assert done.stdout == "'\\xd6.jpg' 7\n", done.stderr


def test_a_flagfile_is_found_in_the_home_folder_and_in_a_flagfile(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "inner.flags").write_text("--iterations=7\n--style=mosaic")
    (tmp_path / "outer.flags").write_text("--flagfile=~/inner.flags\n--seed=3\n")
    for start in (["--flagfile=~/outer.flags"], ["--flagfile", "~/outer.flags"]):
        found = parse(OptimizeSettings, *start, "--style=cafe")
        assert (found.iterations, found.seed, found.style) == (7, 3, ("cafe",))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--flagfile=nowhere.flags"],
        ["--flagfile=."],
        ["--flagfile"],
        ["--flagfile=circle.flags"],
        ["--flagfile=a\0b"],
        ["--nooverwrite=3"],
        ["--output"],
        ['--style="a'],
    ],
    ids=" ".join,
)
def test_what_is_no_command_line_is_one_line(
    arguments, in_process, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circle.flags").write_text("--flagfile=circle.flags\n")
    base = ["--content=a", "--output=o.png"]
    status, out, err = in_process(print, OptimizeSettings, [*base, *arguments])
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("error: Expected ")


def test_names_of_any_bytes_are_printed_escaped(in_process):
    def main(settings):
        print(settings.content)
        raise UserError(f"no {settings.content}")

    base = ["--content=\udcff\x1b[31m.jpg", "--output=o.png"]
    status, out, err = in_process(main, OptimizeSettings, base)
    assert (status, out) == (1, "\\udcff\x1b[31m.jpg\n")
    assert err == "error: no \\udcff\\x1b[31m.jpg\n"


def test_a_package_that_is_missing_is_one_line(in_process):
    def main(settings):
        import no_such_package  # noqa: F401

    base = ["--content=a", "--output=o.png"]
    status, _, err = in_process(main, OptimizeSettings, base)
    assert status == 1 and err.count("\n") == 1
    assert err.startswith("error: Expected the package no_such_package. Received: ")


# -- garbage ---------------------------------------------------------------------------------------

GARBAGE = (None, 5, 1.5, True, [], {}, [None], [1], {"a": 1}, "x", b"x", [["a"]])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_record_of_wrong_types_is_one_line(command):
    settings = COMMANDS[command]
    names = [field.name for field in settings.flag_fields()]
    needed = {name: NEEDED[name] for name in NEEDED if name in names}
    refused = 0
    for name in names:
        for value in (*GARBAGE, 10**400, math.nan, "9" * 30, "\udcff"):
            with contextlib.suppress(UserError):
                settings.of({**needed, name: value})
                refused -= 1
            refused += 1
    assert refused > 10 * len(names)
    for value in (None, 5, "x", []):
        with pytest.raises(UserError, match="settings by name"):
            settings.of(value)


# -- agreement with the rooms that the settings speak of -------------------------------------------


@pytest.mark.parametrize(
    "registry",
    [
        registries.METHODS,
        registries.NETWORKS,
        registries.FEATURE_NETWORKS,
        registries.STATISTICS,
        registries.FEATURE_TRANSFORMS,
        registries.CONNECTIONS,
        registries.EXPORTERS,
        registries.COLOR_MODES,
    ],
    ids=lambda registry: "-".join(registry),
)
def test_everything_that_can_be_chosen_is_there(registry):
    assert all(registry[name] is not None for name in registry)


def test_each_method_has_settings_and_keeps_the_contract():
    from nst_tf.training.task import Task

    assert set(SETTINGS) == set(registries.METHODS)
    for name, settings in SETTINGS.items():
        assert settings.__dataclass_fields__["method"].default == name
        assert issubclass(registries.METHODS[name], Task)
        assert not registries.METHODS[name].__abstractmethods__


def test_choices_and_defaults_exist_where_they_are_used():
    from nst_tf.config.registries import EXPORTERS
    from nst_tf.data import sources, style_images
    from nst_tf.features import vgg
    from nst_tf.models import adain_net, feature_transforms, transform_net

    defaults = {name: field.default for name, field in FIELDS.items()}
    assert set(FIELDS["padding"].metadata["choices"]) == set(transform_net.PADDINGS)
    assert set(FIELDS["statistic"].metadata["choices"]) == set(registries.STATISTICS)
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
    assert perceptual.layer_weights(("relu1_1", "relu2_1:0.5", "relu3_1:2")) == {
        "relu1_1": 1.0,
        "relu2_1": 0.5,
        "relu3_1": 2.0,
    }
    assert perceptual.layer_weights(()) == {}


@pytest.mark.parametrize("item", ["relu1_1:heavy", "relu1_1:1:2"])
def test_a_layer_weight_that_is_no_number_is_refused(item):
    with pytest.raises(UserError, match="NAME:WEIGHT") as caught:
        perceptual.layer_weights((item,))
    assert item in str(caught.value)
