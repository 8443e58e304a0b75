"""Writes the source of the kernel for a set of symmetry functions, and compiles it.

Only what decides the shape of the innermost loop is written into the source: which cutoff functions
there are, and which powers of (1 ± cos theta) each angular group needs. All numbers (eta, r_s,
radii, columns) are run-time arguments, so different sets often share one compiled kernel.
"""

from functools import lru_cache

from sklearn_agl.descriptors.kernels._compile_cache import load_kernel
from sklearn_agl.descriptors.kernels._gradients import ROWS_PER_QUAD
from sklearn_agl.descriptors.kernels._loops import RETURNING
from sklearn_agl.descriptors.kernels._packing import LANES
from sklearn_agl.descriptors.kernels._templates import (
    ADD_MOMENTS,
    ATOM,
    ATOM_BACK,
    BY_DISTANCE_LINE,
    CUTOFF_CHOICE,
    CUTOFF_LOOP,
    DRIVER,
    EVEN_CUTOFF_LOOP,
    EVEN_SLOPE_LINE,
    GROUP_BACK,
    GROUP_LOOP,
    GROUP_PROGRAMS,
    HEADER,
    MOMENT_IMPORT,
    RETURN_MOMENTS,
    SHELL,
    SLOPE_LINE,
    STATIONS,
    STATIONS_BACK,
    STREAM,
    STREAM_BACK,
)


@lru_cache(maxsize=256)
def compile_kernel(shapes, cutoffs, program="values"):
    """Compiled kernel for some shapes of angular groups and some cutoff functions.

    Parameters
    ----------
    shapes : tuple of GroupShape
        What each kind of angular group needs.
    cutoffs : tuple of CutoffLoop
        The cutoff functions.
    program : {"values", "vjp", "forces", "jvp", "jvps"}, default="values"
        What to compute; see `_differentiation_modes` and `_backpropagation`.

    Returns
    -------
    callable
        ``evaluate(batch, cells, arrays, work, data, first, last)``, with `data` of the program; see
        `_evaluation.run`.
    """
    return load_kernel(write_source(shapes, cutoffs, program)).evaluate


def write_source(shapes, cutoffs, program="values", driver=DRIVER):
    """Source of the module that `compile_kernel` compiles; the driver calls its `add_atom`."""
    shifted, returning = any(shape.shifted for shape in shapes), program in RETURNING
    variant = "shifted_" * shifted + "indexed_" * (program != "values")
    stations = (STATIONS_BACK if returning else STATIONS).format(program=program)
    moments, loops = any(shape.by_moments for shape in shapes), _loops(shapes)
    parts = [
        HEADER.format(
            append=f"append_{variant}triplets",
            stations=stations,
            moments=MOMENT_IMPORT.format(program=program) if moments else "",
        )
    ]
    parts += [_cutoff_source(number, loop, program) for number, loop in enumerate(cutoffs)]
    calls = [f"weigh_{i}(squares, n, r_inner, r_cut, weight, slope)" for i in range(len(cutoffs))]
    parts.append(CUTOFF_CHOICE.format(calls=_branches("cutoff", calls, indent=4)))
    parts += [_group_source(number, shapes[number], program) for number in sorted(set(loops))]
    arguments = "r_s, sides, factor, plan.columns, first, row, kept"
    calls = [f"add_group_{number}(stream, n, eta, {arguments})" for number in loops]
    perimeter = "    if narrow:\n        add_perimeter(stream, n)" if shifted else ""
    calls = _branches("shape", calls, indent=12)
    parts.append(STREAM.format(calls=calls, perimeter=perimeter))
    parts.append(SHELL.format(moments=ADD_MOMENTS if moments else ""))
    parts += _way_back(shapes, loops, shifted, moments) if returning else [ATOM]
    return "".join([*parts, driver])


def _loops(shapes):
    """For each shape the number of the first one that has the same loop over pairs."""
    numbers = {}
    return [
        numbers.setdefault((shape.shifted, shape.powers), number)
        for number, shape in enumerate(shapes)
    ]


def _way_back(shapes, loops, shifted, moments):
    sources = [_group_back_source(number, shapes[number]) for number in sorted(set(loops))]
    arguments = "factor, plan.columns, first, row, kept"
    calls = [f"return_group_{number}(stream, totals, n, eta, r_s, {arguments})" for number in loops]
    stream = STREAM_BACK.format(calls=_branches("shape", calls, indent=12), shifted=shifted)
    return [*sources, stream, ATOM_BACK.format(moments=RETURN_MOMENTS if moments else "")]


def _branches(variable, calls, indent):
    pad = " " * indent
    lines = [f"{pad}if {variable} == {i}:\n{pad}    {call}" for i, call in enumerate(calls)]
    return "\n".join(lines) or f"{pad}pass"


def _cutoff_source(number, loop, program):
    template, slope = CUTOFF_LOOP, SLOPE_LINE
    if loop.even:
        template, slope = EVEN_CUTOFF_LOOP, EVEN_SLOPE_LINE
    slopes = "" if program == "values" else slope.format(number=number)
    return template.format(number=number, name=loop.name, slopes=slopes)


def _group_source(number, shape, program):
    powers = _Powers()
    exponent = "-eta * squares[t]"
    if shape.shifted:
        exponent = "-eta * (squares[t] - r_s * (2.0 * perimeter[t] - sides * r_s))"
    numbers = range(len(shape.powers))
    additions = _additions(_ADDITIONS[program], shape, powers)
    scales = _scales(shape)
    before, inside, after = [
        part.format(
            sums=", ".join(f"sum_{i}" for i in numbers),
            zeros=", ".join("0.0" for _ in numbers),
            coefficients=_coefficients(shape),
            scales="\n".join(f"    a_{i} = {scale}" for i, scale in enumerate(scales)),
            idle=_idle(shape),
            additions="\n".join(f"        {line}" for line in additions),
            loops="\n".join(f"    {line}" for line in additions),
            results="\n".join(
                f"    row[columns[first + {i}]] += {scale} * sum_{i}"
                for i, scale in enumerate(scales)
            ),
        )
        for part in GROUP_PROGRAMS[program]
    ]
    return GROUP_LOOP.format(
        number=number,
        exponent=exponent,
        powers="\n".join(f"        {line}" for line in powers.lines),
        before=before,
        inside=inside,
        after=after,
    )


def _group_back_source(number, shape):
    powers = _Powers()
    additions = _additions(_back_lines, shape, powers)
    return GROUP_BACK.format(
        number=number,
        coefficients=_coefficients(shape),
        idle=_idle(shape),
        powers="\n".join(f"        {line}" for line in powers.lines),
        additions="\n".join(f"        {line}" for line in additions),
        distances=BY_DISTANCE_LINE if shape.shifted else "",
    )


def _additions(write, shape, powers):
    lines = [write(i, powers, zeta, lambda_) for i, (zeta, lambda_) in enumerate(shape.powers)]
    return [line for some in lines for line in some]


def _scales(shape):
    return [f"{2.0 ** (1.0 - zeta)!r} * factor" for zeta, _ in shape.powers]


def _coefficients(shape):
    return "\n".join(
        f"    a_{i} = {scale} * row[columns[first + {i}]]" for i, scale in enumerate(_scales(shape))
    )


def _idle(shape):
    return " and ".join(f"a_{i} == 0.0" for i in range(len(shape.powers)))


def _value_lines(i, powers, zeta, lambda_):
    return [f"sum_{i} += w * {powers.power(zeta, lambda_)}"]


def _no_lines(i, powers, zeta, lambda_):
    return []


def _back_lines(i, powers, zeta, lambda_):
    return [
        f"value += a_{i} * {powers.power(zeta, lambda_)}",
        f"turn += {zeta * lambda_!r} * a_{i} * {powers.slope(zeta, lambda_)}",
    ]


def _jvp_lines(i, powers, zeta, lambda_):
    power, slope = powers.power(zeta, lambda_), powers.slope(zeta, lambda_)
    return [f"sum_{i} += w * ({power} * change + {zeta * lambda_!r} * {slope} * d_cosine[t])"]


def _jvps_lines(i, powers, zeta, lambda_):
    """A loop of its own: compilers vectorise none that writes to the rows of many functions."""
    powers = _Powers()
    power, slope = powers.power(zeta, lambda_), powers.slope(zeta, lambda_)
    row = i // LANES * ROWS_PER_QUAD + i % LANES
    return [
        f"value, turn = stream[STREAM_ROWS + {row}], stream[STREAM_ROWS + {row + LANES}]",
        "for t in range(padded(n)):",
        *[f"    {line}" for line in powers.lines],
        f"    value[t] = total[t] * (a_{i} * {power})",
        f"    turn[t] = total[t] * ({zeta * lambda_!r} * a_{i} * {slope})",
    ]


_ADDITIONS = {
    "values": _value_lines,
    "forces": _value_lines,
    "vjp": _no_lines,
    "jvp": _jvp_lines,
    "jvps": _jvps_lines,
}


class _Powers:
    """Names and lines of code for powers of p = 1 ± cos theta, by repeated squaring."""

    def __init__(self):
        self.lines = []
        self._known = set()

    def power(self, zeta, lambda_):
        """Name of the variable that holds p^zeta."""
        base = _base(lambda_)
        if not float(zeta).is_integer():
            # Rounding can bring 1 ± cos below zero, whose real power would be NaN.
            value = f"max({self.power(1, lambda_)}, {FLOOR!r}) ** {zeta!r}"
            return self._define(f"{base}_{_identifier(zeta)}", value)
        zeta = int(zeta)
        if zeta == 1:
            return self._define(f"{base}1", f"1.0 {'+' if lambda_ > 0 else '-'} cosine[t]")
        first, second = (zeta // 2, zeta // 2) if zeta % 2 == 0 else (zeta - 1, 1)
        value = f"{self.power(first, lambda_)} * {self.power(second, lambda_)}"
        return self._define(f"{base}{zeta}", value)

    def slope(self, zeta, lambda_):
        """Name of the variable that holds p^(zeta - 1), from powers that are there anyway."""
        if zeta == 1:
            return "1.0"
        if zeta % 2:
            return self.power(zeta - 1, lambda_)
        half = int(zeta) // 2
        if half == 1:
            return self.power(1, lambda_)
        value = f"{self.power(half, lambda_)} * {self.slope(half, lambda_)}"
        return self._define(f"{_base(lambda_)}{int(zeta) - 1}", value)

    def _define(self, name, expression):
        if name not in self._known:
            self._known.add(name)
            self.lines.append(f"{name} = {expression}")
        return name


FLOOR = 1e-16
"""The rounding error of 1 ± cos theta: no smaller value means anything."""


def _identifier(number):
    return str(number).replace(".", "_").replace("-", "minus_")


def _base(lambda_):
    return "p" if lambda_ > 0 else "m"
