"""Structures as skorch goes through them: rows of the features, batch by batch."""

import numpy as np
from torch.utils.data import Dataset


class StructureDataset(Dataset):
    """Row numbers of some structures, with their targets.

    Parameters
    ----------
    targets : ndarray of shape (n_structures,)
        Scaled energies per atom of all structures.
    rows : ndarray of int
        The structures that belong to this set.
    """

    def __init__(self, targets, rows):
        self.targets = targets
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        rows = self.rows[index]
        return rows, self.targets[rows]


class RowBatches:
    """Iterate over a StructureDataset by batches of row numbers; the features stay where they are.

    Parameters
    ----------
    dataset : StructureDataset
        What to iterate over.
    batch_size : int
        Structures per batch.
    rng : numpy.random.RandomState, default=None
        Shuffles the structures anew in each pass; by default they keep their order.
    """

    def __init__(self, dataset, batch_size, rng=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.rng = rng

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        order = np.arange(len(self.dataset))
        if self.rng is not None:
            self.rng.shuffle(order)
        for first in range(0, len(order), self.batch_size):
            yield self.dataset[order[first : first + self.batch_size]]
