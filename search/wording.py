"""How numbers are written for a person: one form for each kind, in tables and in sentences alike."""

from collections.abc import Mapping


def percent(share: float) -> str:
    """A share in [0, 1] as an accuracy is given: 92.31%."""
    return f"{share:.2%}"


def points(difference: float) -> str:
    """A difference of two shares in percentage points, signed: +0.12 points."""
    return f"{100 * difference:+.2f} points".replace("-0.00", "0.00")


def interval(low: float, high: float) -> str:
    """An interval of a share: 91.80% to 92.40%."""
    return f"{percent(low)} to {percent(high)}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 5.2 s, 48 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 9.95:  # from here on it would be written 10.0
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(n: int, noun: str) -> str:
    """A number with what is counted, in the plural where it is not one: 1 run, 8 runs."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def hyperparameter(value: object) -> str:
    """The value of a hyperparameter in a table: on, off, 0.003, relu; a dash where it does not exist."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def heading(name: str) -> str:
    """The name of a hyperparameter as the heading of a column: learning rate."""
    return name.replace("_", " ")


def hyperparameters(values: Mapping[str, object]) -> str:
    """Hyperparameters in a sentence: learning rate 0.003, momentum on."""
    return ", ".join(f"{heading(name)} {hyperparameter(value)}" for name, value in values.items())


def left_aside(n_trials: int) -> str:
    """That a study has trials which its file does not ask for."""
    return (
        f"{count(n_trials, 'trial')} in the database that the study's file does not ask for: kept, but left aside by "
        "selection, figures and page until it asks for them again."
    )
