"""Methods by name: one paper, one file, one line here.

A method's file has `build(settings)`, which returns a `nst_tf.training.loop.Task` with
five things more: `draws` (whether it trains a network that draws pictures), `pairs`
(whether it wants paintings beside photos), `start(open_batches)` (sets the first
weights, --init_from's or its own), `preview(run, step)` and `finish(run, result) ->
lines for the user`.
"""

from nst_tf.training.methods import (
    any_style as any_style_method,
    feedforward,
    slim_features,
)

METHODS = {
    "adain": any_style_method.build,
    "feedforward": feedforward.build,
    "slim_features": slim_features.build,
}
