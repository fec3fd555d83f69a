"""The log of a run, as columns."""

import math

import pytest

from nst_tf.core.errors import UserError
from nst_tf.runs.callbacks import JsonLog
from nst_tf.runs.folder import RunFolder
from nst_tf.runs.log import read_log


def test_what_a_run_logs_is_read_as_columns(tmp_path):
    log = JsonLog(RunFolder(tmp_path).log)
    log.on_train_begin()
    for batch, loss in enumerate([4.0, 2.0, 1.0]):
        log.on_train_batch_end(batch, {"loss": loss})
    # The run goes on.
    read = read_log(tmp_path)
    log.on_train_end()
    assert read["step"] == [1, 2, 3] and read["loss"] == [4.0, 2.0, 1.0]
    assert read == read_log(RunFolder(tmp_path)) == read_log(str(tmp_path))


def test_a_line_that_is_being_written_is_left_out_and_a_missing_value_is_nan(tmp_path):
    RunFolder(tmp_path).log.write_text('{"step": 1, "a": 5}\n{"step": 2}\n{"step": 3,')
    read = read_log(tmp_path)
    assert read["step"] == [1, 2] and read["a"][0] == 5 and math.isnan(read["a"][1])


@pytest.mark.parametrize("text", [None, "no JSON\n"])
def test_a_folder_without_a_log_is_one_line(tmp_path, text):
    if text is not None:
        RunFolder(tmp_path).log.write_text(text)
    with pytest.raises(UserError, match=f"a log. Received: {tmp_path} "):
        read_log(tmp_path)
