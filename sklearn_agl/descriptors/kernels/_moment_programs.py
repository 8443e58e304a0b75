"""Wide angular functions by moments, in every program; `_moments` has the formulas."""

from sklearn_agl.compiled._jit import helper, inlined
from sklearn_agl.compiled._vector_math import exp_of_negative
from sklearn_agl.descriptors.kernels._gradients import AXES, begin_quad, first_quad_of_group
from sklearn_agl.descriptors.kernels._harmonics import fold_degrees, multiply_rows
from sklearn_agl.descriptors.kernels._loops import (
    D_DISTANCE,
    D_WEIGHT,
    DX,
    DY,
    DZ,
    OF_SLOPE,
    OF_VECTOR,
    SLOPE,
    end_of_group,
    n_elements_of,
    padded,
)
from sklearn_agl.descriptors.kernels._moments import ALONG, BEFORE, N_ROWS, OWN, TURN
from sklearn_agl.descriptors.kernels._packing import LANES
from sklearn_agl.descriptors.kernels._triplets import DISTANCE, INVERSE, WEIGHT, X, Y, Z

REAL, IMAGINARY = range(2)


@inlined
def harmonic(ell, m, n_degrees):
    """The place of Q_lm; those of one m follow each other."""
    return m * (2 * n_degrees + 1 - m) // 2 + ell - m


@inlined
def choose_sets(shell, base, plan, work):
    """How many of a shell's sets, those of lowest degree, go by moments: what costs least."""
    n_elements, counts, lowest, best = n_elements_of(plan), work.counts, 0.0, 0
    first = plan.set_starts[shell]
    for n_sets in range(plan.set_starts[shell + 1] - first + 1):
        costs = plan.costs[first + shell + n_sets]
        cost = costs[0]
        for e in range(n_elements):
            n, of_pairs = counts[base + e], costs[1 + n_elements * (e + 1) :]
            cost += costs[1 + e] * n + of_pairs[e] * (0.5 * n * (n - 1))
            for e2 in range(e + 1, n_elements):
                cost += of_pairs[e2] * n * counts[base + e2]
        if n_sets == 0 or cost < lowest:
            lowest, best = cost, n_sets
    for place in range(base, base + n_elements):
        work.moments.n_sets[place] = best
    return best


@helper
def lay_out_directions(near, n, degree, n_degrees, rows):
    """Powers of x + i y and polynomials of z of the neighbours' unit vectors, up to a degree."""
    end = padded(n)
    real, imaginary, polynomials = rows[:n_degrees], rows[n_degrees:], rows[2 * n_degrees :]
    x, y, z = real[1], imaginary[1], polynomials[1]
    for k in range(end):
        inverse = near[INVERSE, k]
        real[0, k], imaginary[0, k], polynomials[0, k] = 1.0, 0.0, 1.0
        x[k], y[k], z[k] = near[X, k] * inverse, near[Y, k] * inverse, near[Z, k] * inverse
    for m in range(1, degree):
        re, im, next_re, next_im = real[m], imaginary[m], real[m + 1], imaginary[m + 1]
        for k in range(end):
            next_re[k] = x[k] * re[k] - y[k] * im[k]
            next_im[k] = x[k] * im[k] + y[k] * re[k]
    for m in range(degree + 1):
        first, own = harmonic(m, m, n_degrees), OWN[m]
        if m:
            new = polynomials[first]
            for k in range(end):
                new[k] = own
            if m < degree:
                new, along = polynomials[first + 1], ALONG[m + 1, m] * own
                for k in range(end):
                    new[k] = along * z[k]
        for ell in range(m + 2, degree + 1):
            a, b, place = ALONG[ell, m], BEFORE[ell, m], first + ell - m
            before, last, new = polynomials[place - 2], polynomials[place - 1], polynomials[place]
            for k in range(end):
                new[k] = a * z[k] * last[k] - b * before[k]


@inlined
def weigh_set(near, n, of, weights):
    """g of the neighbours. Returns the sum of its squares."""
    eta, r_s, squares = of.eta, of.r_s, 0.0
    distance, weight = near[DISTANCE], near[WEIGHT]
    for k in range(padded(n)):
        shifted = distance[k] - r_s
        g = weight[k] * exp_of_negative(-eta * shifted * shifted)
        weights[k] = g
        squares += g * g
    return squares


@helper
def sum_up(directions, n, degree, n_degrees, weights, rows, sums):
    """Moments of one element: sums of the weights times the harmonics."""
    end = padded(n)
    real, imaginary = directions[:n_degrees], directions[n_degrees:]
    polynomials, re, im = directions[2 * n_degrees :], rows[REAL], rows[IMAGINARY]
    for m in range(degree + 1):
        cosine, sine, first = real[m], imaginary[m], harmonic(m, m, n_degrees)
        for k in range(end):
            re[k], im[k] = weights[k] * cosine[k], weights[k] * sine[k]
        for place in range(first, first + degree + 1 - m):
            by_re, by_im = multiply_rows(polynomials[place], re, im, end)
            sums[REAL, place], sums[IMAGINARY, place] = by_re, by_im


@inlined
def gather(shell, base, plan, work):
    """Moments of all elements, for the sets that go by them. Returns their number."""
    moments, n_degrees = work.moments, len(plan.expansions)
    n_sets, first = choose_sets(shell, base, plan, work), plan.set_starts[shell]
    if n_sets:
        degree = plan.sets[first + n_sets - 1].degree
        for place in range(base, base + n_elements_of(plan)):
            near, n, directions = work.near[place], work.counts[place], moments.directions[place]
            lay_out_directions(near, n, degree, n_degrees, directions)
            for s in range(n_sets):
                of, weights = plan.sets[first + s], moments.weights[place, s]
                moments.squares[place, s] = weigh_set(near, n, of, weights)
                sums = moments.sums[place, s]
                sum_up(directions, n, of.degree, n_degrees, weights, moments.rows, sums)
    return n_sets


@inlined
def multiply(first, second, degree, n_degrees, spectrum):
    """Add the products of two elements' moments, summed over m, to the spectrum."""
    for m in range(degree + 1):
        place = harmonic(m, m, n_degrees)
        for ell in range(m, degree + 1):
            spectrum[ell] += first[REAL, place] * second[REAL, place]
            spectrum[ell] += first[IMAGINARY, place] * second[IMAGINARY, place]
            place += 1


@inlined
def clear_spectrum(spectrum):
    """Begin anew."""
    for ell in range(len(spectrum)):
        spectrum[ell] = 0.0


@inlined
def combine(plan, g, degree, spectrum, squares, row):
    """Add what a spectrum says of the functions of one group."""
    for column in range(plan.groups[g].first_column, end_of_group(plan, g)):
        value = -plan.diagonals[column] * squares
        for ell in range(degree + 1):
            value += plan.expansions[ell, column] * spectrum[ell]
        row[plan.columns[column]] += value


@helper
def add_moments_values(shell, base, plan, work, row):
    """Values of the functions that go by moments."""
    moments, spectrum, n_degrees = work.moments, work.moments.spectrum, len(plan.expansions)
    n_sets, first = gather(shell, base, plan, work), plan.set_starts[shell]
    for s in range(n_sets):
        degree = plan.sets[first + s].degree
        for p in range(plan.product_starts[first + s], plan.product_starts[first + s + 1]):
            of = plan.products[p]
            one, two = base + of.first, base + of.second
            clear_spectrum(spectrum)
            multiply(moments.sums[one, s], moments.sums[two, s], degree, n_degrees, spectrum)
            combine(plan, of.group, degree, spectrum, moments.squares[one, s], row)


add_moments_forces = add_moments_values


@helper
def add_moments_vjp(shell, base, plan, work, row):
    """On the way there, nobody asks for the values: the moments alone."""
    gather(shell, base, plan, work)


@inlined
def radial_slope(near, k, of, g):
    """The derivative of g by the distance."""
    distance = near[DISTANCE, k]
    return g * (near[SLOPE, k] * distance - 2.0 * of.eta * (distance - of.r_s))


@helper
def slopes_by_neighbor(directions, n, low, high, n_degrees, slopes, moments):
    """From derivatives by moments of degrees `low` to `high` to those by weights and directions.

    The first four rows of `moments` get the derivatives by g, and by x, y and z of the unit vector
    without their factor g.
    """
    end, rows, factors = padded(n), moments.rows, moments.factors
    for row in range(4):
        for k in range(end):
            rows[row, k] = 0.0
    for m in range(high + 1):
        lowest = max(low, m)
        first, turned = harmonic(lowest, m, n_degrees), harmonic(lowest, m + 1, n_degrees)
        for ell in range(lowest, high + 1):
            re, im = slopes[REAL, first + ell - lowest], slopes[IMAGINARY, first + ell - lowest]
            factors[0, ell - lowest], factors[1, ell - lowest] = re, im
            factors[2, ell - lowest], factors[3, ell - lowest] = (
                TURN[ell, m] * re,
                TURN[ell, m] * im,
            )
        fold_degrees(
            directions, 2 * n_degrees + first, 2 * n_degrees + turned, high + 1 - lowest, factors,
            n_degrees, n_degrees, m, rows, rows.shape[1], end,
        )  # fmt: skip


@inlined
def add_scaled(first, factor, degree, n_degrees, weights_of_degrees, second):
    """Add moments times the weights of their degrees to others."""
    for m in range(degree + 1):
        place = harmonic(m, m, n_degrees)
        for ell in range(m, degree + 1):
            scale = factor * weights_of_degrees[ell]
            second[REAL, place] += scale * first[REAL, place]
            second[IMAGINARY, place] += scale * first[IMAGINARY, place]
            place += 1


@inlined
def weigh_degrees(plan, g, degree, row, spectrum):
    """Derivatives by a group's spectrum. Returns that by the sum of g², with the other sign."""
    by_squares = 0.0
    clear_spectrum(spectrum)
    for column in range(plan.groups[g].first_column, end_of_group(plan, g)):
        given = row[plan.columns[column]]
        by_squares += given * plan.diagonals[column]
        for ell in range(degree + 1):
            spectrum[ell] += given * plan.expansions[ell, column]
    return by_squares


@helper
def return_moments(shell, base, plan, work, row):
    """Hand the derivatives of the functions that went by moments to the neighbours."""
    moments, spectrum, n_degrees = work.moments, work.moments.spectrum, len(plan.expansions)
    first, last = base, base + n_elements_of(plan)
    for s in range(moments.n_sets[base]):
        number = plan.set_starts[shell] + s
        of = plan.sets[number]
        for place in range(first, last):
            moments.squares[place, s] = 0.0
            for part in range(2):
                slopes = moments.slopes[place, s, part]
                for h in range(len(slopes)):
                    slopes[h] = 0.0
        for p in range(plan.product_starts[number], plan.product_starts[number + 1]):
            product = plan.products[p]
            one, two = base + product.first, base + product.second
            by_squares = weigh_degrees(plan, product.group, of.degree, row, spectrum)
            moments.squares[one, s] += by_squares
            add_scaled(
                moments.sums[one, s], 1.0, of.degree, n_degrees, spectrum, moments.slopes[two, s]
            )
            add_scaled(
                moments.sums[two, s], 1.0, of.degree, n_degrees, spectrum, moments.slopes[one, s]
            )
    for place in range(first, last):
        n_sets = moments.n_sets[place]
        if n_sets:  # else there may be no room for rows
            clear_rows(moments.rows, work.counts[place])
        for s in range(n_sets):
            slopes_by_neighbor(
                moments.directions[place], work.counts[place], 0,
                plan.sets[plan.set_starts[shell] + s].degree, n_degrees, moments.slopes[place, s],
                moments,
            )  # fmt: skip
            collect_slopes(work, place, s, plan.sets[plan.set_starts[shell] + s])
        if n_sets:
            hand_slopes(work, place)


@inlined
def clear_rows(rows, n):
    """Begin the sums over the sets."""
    for row in range(4, 8):
        for k in range(padded(n)):
            rows[row, k] = 0.0


@inlined
def collect_slopes(work, place, s, of):
    """Add the derivatives of one set to the sums over the sets."""
    moments, near, rows = work.moments, work.near[place], work.moments.rows
    weights, twice = moments.weights[place, s], 2.0 * moments.squares[place, s]
    for k in range(padded(work.counts[place])):
        g = weights[k]
        rows[4, k] += (rows[0, k] - twice * g) * radial_slope(near, k, of, g)
        rows[5, k] += g * rows[1, k]
        rows[6, k] += g * rows[2, k]
        rows[7, k] += g * rows[3, k]


@inlined
def hand_slopes(work, place):
    """Hand derivatives by distances and directions to the neighbours of one element."""
    near, sums, rows = work.near[place], work.sums[place], work.moments.rows
    for k in range(work.counts[place]):
        inverse, along = near[INVERSE, k], 0.0
        for axis in range(AXES):
            across = rows[5 + axis, k] * inverse
            along += across * near[X + axis, k]
            sums[k, OF_VECTOR + axis] += across
        sums[k, OF_SLOPE] += rows[4, k] - along * inverse


@inlined
def change_of_weights(near, n, of, weights, changes):
    """Changes of g. Returns half of that of the sum of its squares."""
    eta, r_s, squares = of.eta, of.r_s, 0.0
    for k in range(padded(n)):
        slope = near[D_WEIGHT, k] - 2.0 * eta * (near[DISTANCE, k] - r_s) * near[D_DISTANCE, k]
        changes[k] = weights[k] * slope
        squares += weights[k] * changes[k]
    return squares


@inlined
def change_of_directions(near, n, x, y, z):
    """Changes of the neighbours' unit vectors."""
    for k in range(padded(n)):
        inverse = near[INVERSE, k]
        stretch = near[D_DISTANCE, k] * inverse
        x[k] = (near[DX, k] - near[X, k] * stretch) * inverse
        y[k] = (near[DY, k] - near[Y, k] * stretch) * inverse
        z[k] = (near[DZ, k] - near[Z, k] * stretch) * inverse


@helper
def sum_up_changes(directions, n, degree, n_degrees, weights, rows, sums):
    """Changes of the moments of one element; `rows` hold those of weights and unit vectors."""
    end = padded(n)
    real, imaginary, polynomials = (
        directions[:n_degrees], directions[n_degrees:], directions[2 * n_degrees :],
    )  # fmt: skip
    change, x, y, z = rows[0], rows[1], rows[2], rows[3]
    re, im, re_by_z, im_by_z = rows[4], rows[5], rows[6], rows[7]
    for m in range(degree + 1):
        first, turned_first = harmonic(m, m, n_degrees), harmonic(m + 1, m + 1, n_degrees)
        cosine, sine = real[m], imaginary[m]
        lower_cosine, lower_sine = real[max(m - 1, 0)], imaginary[max(m - 1, 0)]
        for k in range(end):
            g, lower = weights[k], m * weights[k]
            by_x, by_y = lower * x[k], lower * y[k]
            re[k] = change[k] * cosine[k] + by_x * lower_cosine[k] - by_y * lower_sine[k]
            im[k] = change[k] * sine[k] + by_x * lower_sine[k] + by_y * lower_cosine[k]
            re_by_z[k], im_by_z[k] = g * z[k] * cosine[k], g * z[k] * sine[k]
        for ell in range(m, degree + 1):
            place, turn = first + ell - m, TURN[ell, m]
            own, turned = polynomials[place], polynomials[turned_first + ell - m - 1]
            by_re, by_im, turn_re, turn_im = 0.0, 0.0, 0.0, 0.0
            for k in range(end):
                by_re += own[k] * re[k]
                by_im += own[k] * im[k]
                turn_re += turned[k] * re_by_z[k]
                turn_im += turned[k] * im_by_z[k]
            sums[REAL, place], sums[IMAGINARY, place] = (
                by_re + turn * turn_re, by_im + turn * turn_im,
            )  # fmt: skip


@helper
def add_moments_jvp(shell, base, plan, work, row):
    """Changes of the functions that go by moments."""
    moments, spectrum, n_degrees = work.moments, work.moments.spectrum, len(plan.expansions)
    n_sets, first, rows = gather(shell, base, plan, work), plan.set_starts[shell], moments.rows
    for s in range(n_sets):
        of = plan.sets[first + s]
        for place in range(base, base + n_elements_of(plan)):
            near, n, weights = work.near[place], work.counts[place], moments.weights[place, s]
            moments.squares[place, s] = 2.0 * change_of_weights(near, n, of, weights, rows[0])
            change_of_directions(near, n, rows[1], rows[2], rows[3])
            changes = moments.slopes[place, s]
            sum_up_changes(
                moments.directions[place], n, of.degree, n_degrees, weights, rows, changes
            )
        for p in range(plan.product_starts[first + s], plan.product_starts[first + s + 1]):
            product = plan.products[p]
            one, two = base + product.first, base + product.second
            clear_spectrum(spectrum)
            multiply(moments.sums[one, s], moments.slopes[two, s], of.degree, n_degrees, spectrum)
            multiply(moments.slopes[one, s], moments.sums[two, s], of.degree, n_degrees, spectrum)
            combine(plan, product.group, of.degree, spectrum, moments.squares[one, s], row)


@helper
def add_moments_jvps(shell, base, plan, work, row):
    """Gradients of the functions that go by moments."""
    n_sets, first = gather(shell, base, plan, work), plan.set_starts[shell]
    for s in range(n_sets):
        for p in range(plan.product_starts[first + s], plan.product_starts[first + s + 1]):
            product = plan.products[p]
            one, two = base + product.first, base + product.second
            if one == two:
                hand_gradients_of_set(work, plan, first + s, s, one, one, 2.0, product.group)
            else:
                hand_gradients_of_set(work, plan, first + s, s, one, two, 1.0, product.group)
                hand_gradients_of_set(work, plan, first + s, s, two, one, 1.0, product.group)


@helper
def hand_gradients_of_set(work, plan, number, s, place, other, times, g):
    """Hand the gradients of a group's functions to the neighbours of one of its elements."""
    moments, near, n, of = work.moments, work.near[place], work.counts[place], plan.sets[number]
    weights, gradients = moments.weights[place, s], moments.rows[N_ROWS:]
    for ell in range(of.degree + 1):
        slopes_by_neighbor(
            moments.directions[place], n, ell, ell, len(plan.expansions), moments.sums[other, s],
            moments,
        )  # fmt: skip
        turn_to_positions(near, n, of, times, weights, moments.rows, gradients[AXES * ell :])
    start, end = plan.groups[g].first_column, end_of_group(plan, g)
    quad = first_quad_of_group(start, g)
    for column in range(start, end, LANES):
        begin_quad(work.gradients, quad, place, n)
        rows = work.gradients.rows[quad, place]
        for k in range(n):
            along = times * weights[k] * radial_slope(near, k, of, weights[k]) * near[INVERSE, k]
            for axis in range(AXES):
                for lane in range(LANES):
                    value = -plan.diagonals[column + lane] * along * near[X + axis, k]
                    for ell in range(of.degree + 1):
                        value += (
                            plan.expansions[ell, column + lane] * gradients[AXES * ell + axis, k]
                        )
                    rows[k, axis * LANES + lane] += value
        quad += 1


@inlined
def turn_to_positions(near, n, of, times, weights, rows, gradients):
    """From derivatives by weights and directions to those by positions."""
    for k in range(n):
        g, inverse, along = times * weights[k], near[INVERSE, k], 0.0
        for axis in range(AXES):
            along += rows[1 + axis, k] * near[X + axis, k]
        slope = rows[0, k] * radial_slope(near, k, of, g) - g * along * inverse * inverse
        for axis in range(AXES):
            gradients[axis, k] = (g * rows[1 + axis, k] + slope * near[X + axis, k]) * inverse
