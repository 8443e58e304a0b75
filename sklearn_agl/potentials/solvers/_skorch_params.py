"""Checks of the parameters that are handed on to skorch and torch."""

import inspect

import torch
from skorch.callbacks import Callback


def check_device(device):
    """Refuse a device that torch does not know, or that this machine does not have.

    Parameters
    ----------
    device : str
        Such as "cpu" or "cuda".

    Raises
    ------
    ValueError
        With the name of the device, and how to find out which there are.
    """
    try:
        torch.empty(0, device=device)
    # torch raises one of these, whichever part of it is missing.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device={device!r} cannot be used here: {reason}. Take 'cpu', or 'cuda' where "
            "torch.cuda.is_available()."
        ) from error


def check_callbacks(callbacks):
    """Refuse callbacks that skorch does not take.

    Parameters
    ----------
    callbacks : list or None
        Callbacks or pairs of a name and a callback.

    Raises
    ------
    ValueError
        If one is neither.
    """
    for index, given in enumerate(callbacks or []):
        pair = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)
        callback = given[1] if pair else given
        kind = callback if inspect.isclass(callback) else type(callback)
        if not issubclass(kind, Callback):
            raise ValueError(
                f"callbacks[{index}] is {given!r}; give a skorch callback, or a pair of a name "
                "and a callback."
            )
