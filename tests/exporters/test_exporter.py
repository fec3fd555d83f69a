"""Every format is an object that exports, opens and describes, for every kind of network."""

import json
from unittest import mock

import keras
import pytest
from support import litert_js, tiny

from nst_tf.config.registries import EXPORTERS
from nst_tf.core.errors import UserError
from nst_tf.exporters import export_network, model_card, parity
from nst_tf.exporters.exporter import Exporter
from nst_tf.exporters.tflite import float16_range, integer_range, litert_layers
from nst_tf.exporters.web import page as web
from nst_tf.images import io as image_io
from nst_tf.inference import latency
from nst_tf.models import transform_net

FILES = {
    "saved_model": {"signatures", "sha256", "latency"},
    "tflite": {"operations", "gpu_delegate", "inputs", "outputs", "sha256", "latency"},
    "web": {"models", "sha256"},
}


def test_every_format_is_an_exporter_of_its_own_name():
    for name in EXPORTERS:
        exporter = EXPORTERS[name]()
        assert isinstance(exporter, Exporter) and exporter.name == name


@pytest.mark.parametrize("name", tiny.FORMATS)
def test_what_an_exporter_wrote_it_opens_and_describes(name):
    network, artifacts = tiny.exported()
    references = parity.draw_references(network, (21, 30), range(2))
    for artifact in artifacts[name]:
        assert artifact.exporter == name
        exporter = EXPORTERS[artifact.exporter]()
        draw = exporter.open(artifact.path)
        parity.compare(references, draw, artifact.path, artifact.at_least)
        assert set(exporter.describe(artifact.path)) == FILES[name]


def test_a_saved_model_of_any_style_opens_as_one_function_of_both_pictures():
    path = tiny.any_style_exported() / "saved_model" / "1"
    references = parity.draw_references(tiny.any_style(), (21, 30), range(2))
    parity.compare(references, EXPORTERS["saved_model"]().open(path), path, 80)


def test_both_parts_of_a_tflite_of_any_style_open_and_draw_together():
    folder, exporter = tiny.any_style_exported() / "tflite", EXPORTERS["tflite"]()
    encode = exporter.open(folder / "tiny_style_float16.tflite")
    path = folder / "tiny_transform_float16.tflite"
    transform = exporter.open(path)

    def draw(content, style, alpha):
        # In any order: by their names.
        return transform(alpha=alpha, code=encode(style=style), content=content)

    references = parity.draw_references(tiny.any_style(), (21, 30), range(2))
    parity.compare(references, draw, path, 60)


def test_a_page_opens_at_its_sizes_alone(tmp_path):
    network, runtime = tiny.network(), litert_js.tarball(tmp_path / "runtime.tgz")
    small = mock.patch.multiple(web, SIDES=(32,), SHAPES=((0.75, 1.0),))
    with small, litert_js.expected(runtime):
        (artifact,) = export_network.export_network(
            "web", network, tmp_path, "tiny", web_runtime=str(runtime)
        )
    draw = EXPORTERS["web"]().open(artifact.path)
    references = parity.draw_references(network, (24, 32), range(2))
    parity.compare(references, draw, artifact.path, artifact.at_least)
    assert set(EXPORTERS["web"]().describe(artifact.path)) == FILES["web"]
    (other,) = parity.draw_references(network, (32, 24), range(1))
    with pytest.raises(UserError, match=r"sizes \[\(24, 32\)\].*\(32, 24\)"):
        draw(**other.inputs)


def test_a_file_of_an_unknown_kind_is_not_taken_for_tflite(tmp_path):
    path = tmp_path / "night.pt"
    path.write_bytes(tiny.artifact("tiny.tflite").read_bytes())
    for ask in (latency.find_kind, latency.here):
        with pytest.raises(UserError, match="a run folder.*a .tflite file.*night.pt"):
            ask(path)
    with pytest.raises(UserError, match="night.pt"):
        latency.time_model(str(path), 8, 1, 1)


def test_the_card_asks_the_exporter_that_wrote_an_artifact(tmp_path):
    path = tmp_path / "night.onnx"
    path.write_bytes(b"of another format")
    artifact = parity.Artifact(path, 17, parity.Likeness(60.0, 61.0, 1.0, 0.1), 50, "x")

    class Other:
        def describe(self, path):
            return {"opset": 18, "read": path.read_bytes().decode()}

    with mock.patch.object(model_card, "EXPORTERS", {"x": Other}):
        (entry,) = model_card.make_card(tmp_path, [artifact], {})["artifacts"]
    assert json.loads(json.dumps(entry))["opset"] == 18
    assert (entry["file"], entry["read"]) == ("night.onnx", "of another format")


def test_options_reach_only_the_formats_that_take_them(tmp_path):
    seen = {}

    class Fake:
        options = ("sides",)

        def check(self, network):
            seen["checked"] = network

        def export(self, network, folder, name, **options):
            seen.update(options, name=name)
            return []

    network = tiny.network()
    with mock.patch.object(export_network, "EXPORTERS", {"fake": Fake}):
        made = export_network.export_network(
            "fake", network, tmp_path, "night", sides=(64,), web_runtime="x"
        )
    assert made == []
    assert seen == {"checked": network, "sides": (64,), "name": "night"}


# -- layers are found by the graph -----------------------------------------------------------------


@pytest.fixture(scope="module")
def nameless():
    """A core whose layers' names say nothing, with features beyond float16's squares."""
    network = tiny.network(block="separable", styles=2, strength=True)
    output = network.get_layer(transform_net.OUTPUT)
    output.set_weights([weight / 4 for weight in output.get_weights()])
    core = transform_net.core(network)
    names = {layer.name: f"layer{number}" for number, layer in enumerate(core.layers)}

    def clone(layer):
        config = {**layer.get_config(), "name": names[layer.name]}
        return type(layer).from_config(config)

    copy = keras.models.clone_model(core, clone_function=clone)
    copy.set_weights(core.get_weights())
    enlarged = integer_range.convolutions(copy)[1]
    enlarged.set_weights([1000 * weight for weight in enlarged.get_weights()])
    return copy


def ratio(core, changed):
    photo, blend = image_io.to_float(tiny.photo(96, 96)), (0.3, 0.6)
    return parity.psnr(tiny.draw(changed, photo, blend), tiny.draw(core, photo, blend))


def test_ranges_of_8_bits_need_no_names_of_layers(nameless):
    with mock.patch.multiple(integer_range, SIDE=96, TONES=integer_range.TONES[:1]):
        ranges = integer_range.measure_ranges(nameless)
    assert ratio(nameless, integer_range.fit_to_ranges(nameless, ranges)) > 100


def test_the_range_of_float16_needs_no_names_of_layers(nameless):
    small = float16_range.within_float16(nameless)
    before, after = (
        max(float16_range.largest_features(core).values()) for core in (nameless, small)
    )
    assert after < before / 8 and ratio(nameless, small) > 120


def test_the_maker_of_a_layers_input_is_found_in_the_graph():
    core = transform_net.core(tiny.network(block="separable"))
    makers = litert_layers.producers(core)
    assert makers["down1_norm"].name == "down1_conv"
    assert makers["residual1a_conv"].name == "residual1a_depthwise"
    assert "image" not in makers
