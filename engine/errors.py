"""What can go wrong in the engine, as one small tree with useful built-in parents."""


class DigitsweepError(Exception):
    """Anything this project raises on purpose; its text is written for the person at the keyboard."""


class ConfigurationError(DigitsweepError, ValueError):
    """A hyperparameter outside its domain: "learning_rate > 0 must hold, but got -0.1"."""

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        """Keep the parameter's name beside the message, so that a caller can add where it was written."""
        super().__init__(message)
        self.parameter = parameter


class DataError(DigitsweepError, OSError):
    """A data set that is missing, altered, truncated or unreadable; names the file and what to do."""
