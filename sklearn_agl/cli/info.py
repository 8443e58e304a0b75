"""``sklearn-agl info``: what a file holds."""

from sklearn_agl.cli._arguments import add_structures

USAGE = "FILE"
DESCRIPTION = (
    "What a file holds: of a potential its elements, networks and functions, with their ranges in "
    "training; of a selection.json its functions; of structures their number, elements, sizes and "
    "labels, and the keys by which they may be grouped."
)


def add_arguments(parser):
    """Describe the arguments."""
    add_structures(parser, several=False)


def run(options):
    """Tell it."""
    from pathlib import Path

    from sklearn_agl.cli._potentials import load_potential, read_selection

    (name,) = options.files
    path = Path(name)
    if path.suffix == ".npz" or path.is_dir():
        _tell_of_potential(
            name,
            load_potential(name, length_unit=options.length_unit, energy_unit=options.energy_unit),
        )
    elif path.suffix == ".json":
        _tell_of_functions(read_selection(path))
    else:
        _tell_of_structures(options)


def _tell_of_potential(name, potential):
    from ase.data import chemical_symbols

    from sklearn_agl.cli._messages import show
    from sklearn_agl.potentials import HDNNPCalculator

    model = potential[-1]
    symbols = [chemical_symbols[z] for z in model.elements_]
    functions = HDNNPCalculator(potential).symmetry_functions_
    show(f"{name}: a potential for {', '.join(symbols)}")
    trained_on = getattr(model, "trained_on_", None)
    if trained_on:
        show(
            f"trained on {trained_on['n_energies']} energies ({trained_on['energy']}) and the "
            f"forces on {trained_on['n_forces']} atoms"
        )
    layers = "-".join(map(str, (*model.hidden_layer_sizes, 1)))
    show(f"networks: inputs-{layers}, {model.activation}; repulsion: {model.repulsion}")
    references = zip(symbols, model.energy_references_, strict=True)
    show("energy of an atom: " + ", ".join(f"{symbol} {own:.6g}" for symbol, own in references))
    _tell_of_functions(functions, model.feature_ranges_[model.group_norms_ > 0])


def _tell_of_functions(functions, ranges=None):
    from sklearn_agl.cli._messages import show, table
    from sklearn_agl.descriptors import short_names

    n_angular = sum(function.is_angular for function in functions)
    radii = [function.r_cut for function in functions if function.r_cut is not None]
    show(
        f"{len(functions)} symmetry functions, {n_angular} of them angular, "
        f"within {max(radii, default=float('nan')):g}"
    )
    names = short_names(functions)
    if ranges is None:
        for name in names:
            show(f"  {name}")
        return
    rows = [[name, f"{low:.4g}", f"{high:.4g}"]
            for name, (low, high) in zip(names, ranges, strict=True)]  # fmt: skip
    for line in table(["", "min", "max in training"], rows):
        show(f"  {line}")


def _tell_of_structures(options):
    import numpy as np

    from sklearn_agl._labels import results_of, stored_stress
    from sklearn_agl.cli._messages import say, show
    from sklearn_agl.cli._structures import read_structures

    data = read_structures(options, energies=False)
    for note in data.notes:
        say(note)
    labels = [results_of(atoms) for atoms in data.labelled()]
    n_atoms = np.array([len(atoms) for atoms in data.structures])
    elements = sorted({symbol for atoms in data.structures for symbol in atoms.symbols})
    n_energies = sum("energy" in own or "free_energy" in own for own in labels)
    n_forces = sum("forces" in own for own in labels)
    n_stresses = sum(stored_stress(atoms) is not None for atoms in data.labelled())
    show(f"{data.files[0]}: {len(data)} structures of {', '.join(elements)}")
    show(f"atoms: {n_atoms.min()} to {n_atoms.max()}, {n_atoms.sum()} together")
    show(f"with an energy: {n_energies}, with forces: {n_forces}, with a stress: {n_stresses}")
    for key in sorted({str(key) for atoms in data.structures for key in atoms.info}):
        values = {str(atoms.info.get(key, "")) for atoms in data.structures}
        shown = ", ".join(sorted(values)[:6]) if len(values) <= 60 else "numbers or texts"
        show(f"info[{key!r}]: {len(values)} values: {shown[:80]}")
