#!/usr/bin/env python3
"""Writes statistics_golden.txt: means, quantiles and bootstrap intervals of small rows of numbers, by numpy and scipy.

Usage: make_statistics_golden.py OUTPUT    (made with numpy 2.3, scipy 1.17.1)

Row k has LENGTHS[k] values, noise(length, 7 + k, 10) + k of tests/support/audio_fixture.hpp, in double. A line a row: its length;
mean and quantiles 0, 0.25, 0.5, 0.75, 1 by numpy; the ends of the 95 % interval from RESAMPLES resamples with seed SEED, of the
draws that avss/metric/statistics.hpp describes (Philox4x32-10 written anew here, checked with the paper's known answer); the ends by
scipy.stats.bootstrap, method "percentile", of 200,000 resamples with draws of its own, which differ by chance.
"""
import sys

import numpy as np
from scipy.stats import bootstrap

LENGTHS = [2, 3, 7, 50, 501]
RESAMPLES, SEED = 10000, 0x1234567890


def noise(length, seed, level):
    out, state = np.empty(length), seed
    for n in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        out[n] = level * (state / 4294967296.0 * 2 - 1)
    return out


def philox(counter, key):
    c, k = [np.asarray(x, np.uint64) for x in counter], [np.asarray(x, np.uint64) for x in key]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> np.uint64(32)) ^ c[1] ^ k[0], b & low, (a >> np.uint64(32)) ^ c[3] ^ k[1], a & low]
        k = [(k[0] + np.uint64(0x9E3779B9)) & low, (k[1] + np.uint64(0xBB67AE85)) & low]
    return c


def interval(values):
    n, blocks = len(values), -(-len(values) // 4)
    r, i = np.meshgrid(np.arange(RESAMPLES, dtype=np.uint64), np.arange(blocks, dtype=np.uint64), indexing="ij")
    zero = np.zeros_like(i)
    words = np.stack(philox([i, zero, zero + np.uint64(SEED >> 32), zero], [zero + np.uint64(SEED & 0xFFFFFFFF), r]), axis=-1)
    drawn = (words.reshape(RESAMPLES, -1)[:, :n] * np.uint64(n)) >> np.uint64(32)
    return np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])


def main(path):
    # Salmon et al. 2011, known answer of ten rounds with all bits set
    answer = philox([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2)
    assert [int(x) for x in answer] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    with open(path, "w", encoding="ascii") as out:
        for k, length in enumerate(LENGTHS):
            values = noise(length, 7 + k, 10.0) + k
            theirs = bootstrap((values,), np.mean, n_resamples=200000, method="percentile", rng=np.random.default_rng(1),
                               batch=5000).confidence_interval
            row = [values.mean(), *np.quantile(values, [0, 0.25, 0.5, 0.75, 1]), *interval(values), theirs.low, theirs.high]
            print(length, *(repr(float(v)) for v in row), file=out)


main(sys.argv[1])
