"""Packages of Core ML: what can be seen of them without a Mac."""

import json
import sys

import pytest
from support import tiny

from nst_tf.config.export import ExportSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters import export_network, run as export_run
from nst_tf.exporters.coreml import exporter

coremltools = pytest.importorskip("coremltools")

pytestmark = pytest.mark.slow


def export(network, folder, **options):
    return export_network.export_network("coreml", network, folder, "tiny", **options)


def test_a_package_takes_and_gives_pictures_of_its_size(tmp_path):
    (artifact,) = export(tiny.network(styles=2), tmp_path, sides=(48,))
    assert artifact.path == tmp_path / "coreml" / "tiny_48.mlpackage"
    described = coremltools.utils.load_spec(str(artifact.path)).description
    shapes = {
        each.name: list(each.type.multiArrayType.shape)
        for each in (*described.input, *described.output)
    }
    picture = [1, 48, 48, 3]
    assert shapes == {"image": picture, "style_weights": [1, 2], "stylized": picture}
    facts = exporter.CoreMlExporter().describe(artifact.path)
    assert facts["operations"]["conv"] >= 3
    assert facts["inputs"]["image"] == "float32 [1, 48, 48, 3]"
    assert any(name.endswith("weight.bin") for name in facts["sha256"])


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac draws with it")
def test_card_and_hub_say_that_nothing_was_drawn(tmp_path, capsys):
    tiny.network().save(tmp_path / "network.keras")
    output = tmp_path / "night"
    export_run.export(ExportSettings((str(tmp_path),), ("coreml",), str(output)))
    assert "not drawn: Core ML runs on Apple's systems" in capsys.readouterr().out
    (entry,) = json.loads((output / "model_card.json").read_text())["artifacts"]
    assert "Apple" in entry["not_drawn"] and "decibels_to_the_network" not in entry
    assert entry["file"] == "coreml/night_384.mlpackage"
    assert "| not drawn |" in (output / "README.md").read_text()
    with pytest.raises(UserError, match="a Mac"):
        exporter.CoreMlExporter().open(output / entry["file"])


def test_bad_input_is_refused_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="--sizes that are multiples of 4"):
        export(tiny.network(), tmp_path, sides=(50,))
    with pytest.raises(UserError, match="any style"):
        export(tiny.any_style(), tmp_path)
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(UserError, match=r"pip install 'nst_tf\[coreml\]'"):
        export(tiny.network(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_specification_of_another_size_is_no_package_of_ours(tmp_path):
    (artifact,) = export(tiny.network(), tmp_path, sides=(48,))
    specification = coremltools.utils.load_spec(str(artifact.path))
    exporter.check_specification(specification, 48, artifact.path)
    with pytest.raises(RuntimeError, match="Expected image and stylized"):
        exporter.check_specification(specification, 64, artifact.path)
