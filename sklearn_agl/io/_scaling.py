"""n2p2's scaling.data: statistics of the symmetry functions, and how they scale the inputs."""

from dataclasses import dataclass

import numpy as np

from sklearn_agl.io._lines import read_lines
from sklearn_agl.io._settings import FLAGS


@dataclass(frozen=True)
class Scaling:
    """Shift and division of every feature, in n2p2's order.

    Attributes
    ----------
    kind : {"minmax", "center", "sigma"} or None
        The regressor's `scaling` that comes closest.
    offset, divisor : ndarray of shape (n_features,)
        A feature G enters the network as ``(G - offset) / divisor``.
    ranges : ndarray of shape (n_features, 2)
        Smallest and largest values in training.
    """

    kind: str | None
    offset: np.ndarray
    divisor: np.ndarray
    ranges: np.ndarray


def read_scaling(path, settings, counts):
    """Read how the symmetry functions are scaled.

    Parameters
    ----------
    path : Path
        A scaling.data.
    settings : Settings
        Its `elements` say in which order the elements come.
    counts : sequence of int
        Number of symmetry functions of each element.

    Returns
    -------
    Scaling

    Raises
    ------
    FileNotFoundError, ValueError
        With file and line.
    """
    lines = read_lines(path)
    expected = [(e + 1, i + 1) for e, count in enumerate(counts) for i in range(count)]
    # RuNNer appends a line with the range of the energies.
    if len(lines) == len(expected) + 1 and len(lines[-1].words) == 2:
        lines = lines[:-1]
    _check_indices(path, lines, expected, settings)
    names = ("minimum", "maximum", "mean")
    low, high, mean = np.array(
        [[line.real(2 + k, f"The {name}") for k, name in enumerate(names)] for line in lines]
    ).T
    for line, span in zip(lines, high - low, strict=True):
        if not np.isfinite(span) or span < 0.0:
            raise line.error("The minimum is above the maximum, or they are too far apart.")
    kind, offset, divisor = _transformation(settings, lines, low, high, mean)
    return Scaling(kind, offset, divisor, np.stack([low, high], axis=1))


def _check_indices(path, lines, expected, settings):
    for line, (element, index) in zip(lines, expected, strict=False):
        found = line.integer(0, "The element index"), line.integer(1, "The function index")
        if found[0] not in range(1, len(settings.elements) + 1):
            raise line.error(
                f"Element {found[0]} does not exist: {settings.path} has "
                f"{len(settings.elements)} element(s), {list(settings.elements)}."
            )
        if found != (element, index):
            raise line.error(
                f"Expected function {index} of element {element} "
                f"({settings.elements[element - 1]}), got function {found[1]} of element "
                f"{found[0]}: the symmetry functions are not those of {settings.path}."
            )
    if len(lines) != len(expected):
        raise ValueError(
            f"{path} has {len(lines)} symmetry functions, but {settings.path} has {len(expected)}."
        )


def _transformation(settings, lines, low, high, mean):
    """Kind, offset and divisor of what n2p2 calls the scaling type."""
    scale, center, sigma = (settings.has(flag) for flag in FLAGS)
    if sigma and (scale or center):
        raise settings.one("scale_symmetry_functions_sigma").error(
            "scale_symmetry_functions_sigma contradicts scale_symmetry_functions and "
            "center_symmetry_functions; keep one way of scaling."
        )
    if not (scale or sigma):
        offset = mean if center else np.zeros(len(lines))
        return "center" if center else None, offset, np.ones(len(lines))
    if sigma:
        spread = np.array([line.real(5, "The sigma") for line in lines])
    else:
        spread = high - low
    first, last = settings.real("scale_min_short", 0.0), settings.real("scale_max_short", 1.0)
    if last <= first:
        raise settings.one(
            "scale_max_short" if settings.has("scale_max_short") else "scale_min_short"
        ).error(f"scale_max_short ({last:g}) must be above scale_min_short ({first:g}).")
    with np.errstate(over="ignore", invalid="ignore"):
        divisor = spread / (last - first)
        offset = (mean if center or sigma else low) - first * divisor
    for line, d, o in zip(lines, divisor, offset, strict=True):
        if not (d > 0.0 and np.isfinite(d) and np.isfinite(o)):
            what = "The sigma" if sigma else "The range from minimum to maximum"
            raise line.error(f"{what} must be positive and of sensible size to divide by it.")
    return "sigma" if sigma else "minmax", offset, divisor
