"""Methods by name: one paper, one file, one line here.

A method's file has `build(settings)`, which returns a `nst_tf.training.Task` with three things more:
`draws` (whether it trains a network that draws pictures), `start(open_batches)` (sets the first weights,
--init_from's or its own), `preview(run, step)` and `finish(run, result) -> lines for the user`.
"""

from nst_tf.methods import feedforward, slim_features

METHODS = {
    "feedforward": feedforward.build,
    "slim_features": slim_features.build,
}
