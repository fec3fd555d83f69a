"""What the command `nst_tf.optimize` does: a photo, or a clip."""

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core.results import CommandResult
from nst_tf.optimization.run import optimize
from nst_tf.optimization.video.run import optimize_clip


def run_command(settings: OptimizeSettings) -> CommandResult:
    """Paints what the settings name.

    Raises:
        UserError, KeyboardInterrupt: as `optimize` and `optimize_clip`.
    """
    if settings.paints_clip:
        return optimize_clip(settings).summarize()
    result = optimize(settings)
    return CommandResult({"written": [settings.output], **result.summarize()})
