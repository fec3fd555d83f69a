"""`tools.average_runs`: a run whose network is the mean of others."""

import json

import numpy as np
import pytest
from support import tiny

from nst_tf.core.errors import UserError
from nst_tf.models.load_network import load_network
from tools.average_runs import average_runs


def write_run(folder, seed, **shape):
    folder.mkdir()
    network = tiny.network(seed=seed, **shape)
    network.save(folder / "network.keras")
    (folder / "run.json").write_text(json.dumps({"steps": seed}))
    return network


def test_weights_are_the_mean_and_the_record_is_the_last_runs(tmp_path):
    runs = [tmp_path / name for name in ("first", "last")]
    networks = [write_run(run, seed) for seed, run in enumerate(runs, 1)]
    average_runs(runs, tmp_path / "mean")
    found = load_network(tmp_path / "mean" / "network.keras").get_weights()
    for mean, *pair in zip(found, *(each.get_weights() for each in networks)):
        np.testing.assert_allclose(mean, np.mean(pair, 0), atol=1e-7)
    record = json.loads((tmp_path / "mean" / "run.json").read_text())
    assert record == {"steps": 2, "averaged": ["first", "last"]}


def test_other_shapes_and_existing_folders_are_refused(tmp_path):
    runs = [tmp_path / name for name in ("first", "last")]
    for run, width in zip(runs, (4, 6)):
        write_run(run, 1, width=width)
    with pytest.raises(UserError, match="of the shape of .*last.*Received: .*first"):
        average_runs(runs, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
    with pytest.raises(UserError, match="--output that does not exist"):
        average_runs(runs, runs[0])
    with pytest.raises(UserError, match="a run folder with network.keras.*absent"):
        average_runs([tmp_path / "absent", runs[1]], tmp_path / "mean")
