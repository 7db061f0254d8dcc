"""Order of inputs and arrivals of a measurement, the same numbers as process/schedule.ts gives for a seed."""

import math

MASK = 0xFFFFFFFF


def uniform(seed):
    """Seeded numbers in [0, 1) (mulberry32)."""
    state = seed & MASK
    while True:
        state = (state + 0x6D2B79F5) & MASK
        t = (state ^ (state >> 15)) * (state | 1) & MASK
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & MASK)) & MASK
        yield (t ^ (t >> 14)) / 4294967296


def sample_order(count, seed):
    """Indices of input sets: each once a round, in an order that the seed gives."""
    numbers = uniform(seed)
    order = list(range(count))
    while True:
        for i in range(count - 1, 0, -1):
            j = math.floor(next(numbers) * (i + 1))
            order[i], order[j] = order[j], order[i]
        yield from order


def poisson_gaps(rate_per_s, seed):
    """Nanoseconds between the arrivals of the server scenario: exponential with mean 1 / rate."""
    for number in uniform(seed ^ 0x5BD1E995):
        # Rounded as JavaScript does, halves upwards.
        yield math.floor(-math.log(1 - number) / rate_per_s * 1e9 + 0.5)


def offline_samples(window_s, one_ns):
    """Samples of the offline scenario's query, which shall last so long where a sample takes one_ns; with LoadGen's slack."""
    return max(1, math.ceil(1.1 * window_s * 1e9 / max(1, one_ns)))
