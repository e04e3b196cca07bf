#!/usr/bin/env python3
"""Writes metrics_golden.txt: what torchmetrics says of small separated signals, in the order given and in the best one.

Usage: make_metrics_golden.py OUTPUT    (made with torchmetrics 1.9.0, torch 2.15.0, float64, CPU)

Signals are float32, from a 32-bit linear congruential generator, noise(length, seed, level) of tests/support/audio_fixture.hpp.
A data set has S = 2 or 3 sources and the items of ITEMS. Of item k, counted from 0, with the row's numbers:
  s_j = noise(length, 100 S + 10 k + j, 0.3 / (1 + j))    j = 0 .. S-1
  mix = sum of s_j
  e_j = gain s_j + leak s_(j+1 mod S) + noise(length, 1000 + 100 S + 10 k + j, hiss) + offset
and the prediction for source j is e_(j+turn mod S).
A line "S NAME METRIC ORDER VALUES": order given or best, a value in dB for each source; and "S NAME order" with, for each
source, its estimate in the best order, counted from 1.
"""
import sys

import numpy as np
import torch
from torchmetrics.functional.audio import (permutation_invariant_training, pit_permutate,
                                           scale_invariant_signal_distortion_ratio, scale_invariant_signal_noise_ratio,
                                           signal_noise_ratio)

# name, length, gain, leak, hiss, offset, turn
ITEMS = [("a", 4000, 0.8, 0.1, 0.05, 0.0, 0), ("b", 4001, 0.5, 0.3, 0.01, 0.2, 1), ("c", 37, 1.0, 0.2, 0.1, 0.0, 0),
         ("d", 20000, 1.0, 0.0, 1e-4, 0.0, 1), ("e", 4000, -0.7, 0.05, 0.2, -0.01, 0)]
METRICS = {
    "si_snr": scale_invariant_signal_noise_ratio,
    "si_sdr": lambda e, t: scale_invariant_signal_distortion_ratio(e, t, zero_mean=False),
    "snr": lambda e, t: signal_noise_ratio(e, t, zero_mean=False),
}


def noise(length, seed, level):
    out, state = np.empty(length), seed
    for n in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        out[n] = level * (state / 4294967296.0 * 2 - 1)
    return out.astype(np.float32).astype(np.float64)


def item(sources, k):
    _, length, gain, leak, hiss, offset, turn = ITEMS[k]
    seeds = [100 * sources + 10 * k + j for j in range(sources)]
    s = [noise(length, seed, 0.3 / (1 + j)) for j, seed in enumerate(seeds)]
    e = [gain * s[j] + leak * s[(j + 1) % sources] + noise(length, 1000 + seed, hiss) + offset for j, seed in enumerate(seeds)]
    e = [e[(j + turn) % sources] for j in range(sources)]
    as_files = [torch.from_numpy(np.stack(x).astype(np.float32).astype(np.float64)) for x in ([sum(s)], s, e)]
    return as_files


def main(path):
    with open(path, "w", encoding="ascii") as out:
        for sources in (2, 3):
            for k, row in enumerate(ITEMS):
                mix, targets, given = item(sources, k)
                _, order = permutation_invariant_training(given[None], targets[None], scale_invariant_signal_noise_ratio,
                                                          eval_func="max")
                best = pit_permutate(given[None], order)[0]
                print(sources, row[0], "order", *(int(i) + 1 for i in order[0]), file=out)
                for name, metric in METRICS.items():
                    floor = metric(mix.expand_as(targets), targets)
                    for kind, estimates in (("given", given), ("best", best)):
                        value = metric(estimates, targets)
                        print(sources, row[0], name, kind, *(repr(float(v)) for v in value), file=out)
                        print(sources, row[0], name + "i", kind, *(repr(float(v)) for v in value - floor), file=out)


if __name__ == "__main__":
    main(sys.argv[1])
