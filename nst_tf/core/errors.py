"""The one exception that reaches a user as a single clear line."""


class UserError(Exception):
    """Something the user can mend: bad input, an unusable setting, a full disk.

    Entry points print it as one line and exit with status 1; everything else is a bug
    and keeps its stack trace.
    """


def expected(what: str, received: object, remedy: str) -> UserError:
    """Returns a `UserError` in the form that every message of this package has.

    Args:
        what: what the code can work with.
        received: what it was given.
        remedy: what to do about it, as a sentence.

    Example:
        >>> print(expected("--steps of at least 1.", 0, "Give a positive number."))
        Expected --steps of at least 1. Received: 0. Give a positive number.
    """
    return UserError(f"Expected {what.rstrip('.')}. Received: {received}. {remedy}")


def first_line(error: BaseException) -> str:
    """Returns the first line of an exception's text, without the period at its end; its
    type's name where it has no text.

    Example:
        >>> first_line(ValueError("Too small.\\nTraceback ..."))
        'Too small'
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
