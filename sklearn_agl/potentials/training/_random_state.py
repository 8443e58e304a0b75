"""The random state of a training as arrays, for a file."""

KIND = "MT19937"
"""What a RandomState consists of: numpy's name of it."""


def random_state_to_arrays(rng):
    """The state of a RandomState, by the names that it has in checkpoints.

    Parameters
    ----------
    rng : numpy.random.RandomState

    Returns
    -------
    dict of str to ndarray or list
    """
    _, keys, *rest = rng.get_state()
    return {"rng_keys": keys, "rng_rest": rest}


def take_random_state(rng, state):
    """Set a RandomState to what `random_state_to_arrays` returned, and take that out of a dict.

    Parameters
    ----------
    rng : numpy.random.RandomState
        Is changed.
    state : dict
        Loses the two entries.
    """
    keys, (position, has_gauss, gauss) = state.pop("rng_keys"), state.pop("rng_rest")
    rng.set_state((KIND, keys, int(position), int(has_gauss), gauss))
