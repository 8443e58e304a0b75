"""Compiled molecular dynamics of Lennard-Jones atoms in a cubic periodic box, in reduced units.

Positions, velocities and forces are arrays (3, n_atoms), so that loops over neighbours read each
coordinate from one contiguous row. Positions are not wrapped back into the box while a run lasts;
the minimum image does that.
"""

import math

import numpy as np

from sklearn_agl.compiled._machine_code import kept

compiled = kept(nogil=True, fastmath=True, error_model="numpy")


@compiled
def squared_distances(positions, i, length, out):
    """Squared distances of atom i to all atoms, minimum image, into ``out``."""
    x, y, z = positions[0], positions[1], positions[2]
    xi, yi, zi = x[i], y[i], z[i]
    for j in range(len(x)):
        dx, dy, dz = xi - x[j], yi - y[j], zi - z[j]
        dx -= length * np.rint(dx / length)
        dy -= length * np.rint(dy / length)
        dz -= length * np.rint(dz / length)
        out[j] = dx * dx + dy * dy + dz * dz


@compiled
def neighbor_list(positions, length, radius):
    """Neighbours of each atom within ``radius``.

    Those of atom i are ``neighbors[starts[i] : starts[i + 1]]``; each pair is listed from
    both sides. The indices are unsigned: without Python's negative indices, the force loop has one
    operation less per neighbour and vectorises.
    """
    n_atoms = positions.shape[1]
    neighbors = np.empty(n_atoms * n_atoms, dtype=np.uint32)
    starts = np.zeros(n_atoms + 1, dtype=np.int64)
    row = np.empty(n_atoms)
    count = 0
    for i in range(n_atoms):
        squared_distances(positions, i, length, row)
        row[i] = np.inf
        for j in range(n_atoms):
            # Written whether near or not and then overwritten: quicker than a branch.
            neighbors[count] = j
            count += 1 if row[j] < radius * radius else 0
        starts[i + 1] = count
    return starts, neighbors[:count]


@compiled
def energy_and_forces(positions, length, r_cut, starts, neighbors, forces):
    """Total potential energy; ``forces`` is overwritten.

    The pair energy is 4 (r^-12 - r^-6) minus its value at ``r_cut``, and 0 beyond.
    """
    x, y, z = positions[0], positions[1], positions[2]
    squared_cutoff = r_cut * r_cut
    shift = 1.0 / squared_cutoff**6 - 1.0 / squared_cutoff**3
    energy = 0.0
    for i in range(len(x)):
        xi, yi, zi = x[i], y[i], z[i]
        fx, fy, fz = 0.0, 0.0, 0.0
        for k in range(starts[i], starts[i + 1]):
            j = neighbors[k]
            dx, dy, dz = xi - x[j], yi - y[j], zi - z[j]
            dx -= length * np.rint(dx / length)
            dy -= length * np.rint(dy / length)
            dz -= length * np.rint(dz / length)
            r2 = dx * dx + dy * dy + dz * dz
            inside = 1.0 if r2 < squared_cutoff else 0.0
            inverse = 1.0 / r2
            sixth = inverse * inverse * inverse
            energy += inside * (sixth * (sixth - 1.0) - shift)
            push = inside * sixth * (sixth - 0.5) * inverse
            fx += push * dx
            fy += push * dy
            fz += push * dz
        forces[0, i], forces[1, i], forces[2, i] = 48.0 * fx, 48.0 * fy, 48.0 * fz
    return 2.0 * energy


@compiled
def has_moved(positions, reference, distance):
    """Whether any atom is further than ``distance`` from its place in ``reference``."""
    for i in range(positions.shape[1]):
        dx = positions[0, i] - reference[0, i]
        dy = positions[1, i] - reference[1, i]
        dz = positions[2, i] - reference[2, i]
        if dx * dx + dy * dy + dz * dz > distance * distance:
            return True
    return False


@compiled
def langevin(positions, velocities, length, r_cut, temperature, friction, timestep, n_steps, rng):
    """Advance positions and velocities (unit mass) in place by ``n_steps`` of the BAOAB scheme.

    Returns the potential energy of the last configuration. With ``friction=0`` the scheme is
    velocity Verlet, which conserves the total energy. A Verlet list with a skin is rebuilt when an
    atom has moved by half the skin; it may reach beyond half the box length, since the force loop
    takes the minimum image again.
    """
    skin = 0.25
    half_step = 0.5 * timestep
    damping = math.exp(-friction * timestep)
    kick = math.sqrt(temperature * (1.0 - damping * damping))
    forces = np.empty_like(positions)
    reference = positions.copy()
    starts, neighbors = neighbor_list(positions, length, r_cut + skin)
    energy = energy_and_forces(positions, length, r_cut, starts, neighbors, forces)
    for _ in range(n_steps):
        for axis in range(3):
            for i in range(positions.shape[1]):
                velocity = velocities[axis, i] + half_step * forces[axis, i]
                positions[axis, i] += half_step * velocity
                if friction > 0.0:
                    velocity = damping * velocity + kick * rng.standard_normal()
                positions[axis, i] += half_step * velocity
                velocities[axis, i] = velocity
        if has_moved(positions, reference, 0.5 * skin):
            reference[:] = positions
            starts, neighbors = neighbor_list(positions, length, r_cut + skin)
        energy = energy_and_forces(positions, length, r_cut, starts, neighbors, forces)
        for axis in range(3):
            for i in range(positions.shape[1]):
                velocities[axis, i] += half_step * forces[axis, i]
    return energy
