#!/usr/bin/env python3
"""Writes speech_metrics_golden.txt: BSS-eval as mir_eval and STOI as pystoi have them, of every estimate against every target.

Usage: make_speech_metrics_golden.py OUTPUT    (versions in requirements.txt: mir_eval, fast_bss_eval, pystoi, torchmetrics)

fast_bss_eval and torchmetrics must agree with mir_eval to 1e-8 dB where they have the same number. Of the item k of ITEMS,
counted from 0, with noise(length, seed, level) of tests/support/audio_fixture.hpp in double and u = noise(length + 1, seed, 0.5):
  s_j[n] = (u[n + 1] + 0.6 u[n]) max(0, sin(2 pi (2.3 + 0.8 j) n / rate + j))^2     seed 100 (k + 1) + j
  mix    = sum of s_j + noise(length, 50 + k, 0.001)
  e_j    = 0.8 s_j + 0.3 s_j delayed by 5 + 0.1 s_(j+1 mod S) + noise(length, 1000 + 100 k + j, 0.01)
A line "ITEM ESTIMATE TARGET SDR SIR SAR STOI ESTOI" for each pair; the estimate after the last one is the mixture.
"""
import sys

import fast_bss_eval
import mir_eval.separation
import numpy as np
import pystoi
import torch
from torchmetrics.functional.audio import signal_distortion_ratio

# name, rate, sources, length
ITEMS = [("two", 16000, 2, 24000), ("three", 8000, 3, 12000), ("ten", 10000, 2, 9001), ("cd", 44100, 2, 40000)]


def noise(length, seed, level):
    out, state = np.empty(length), seed
    for n in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        out[n] = level * (state / 4294967296.0 * 2 - 1)
    return out


def item(k):
    _, rate, sources, length = ITEMS[k]
    n, s = np.arange(length), []
    for j in range(sources):
        u = noise(length + 1, 100 * (k + 1) + j, 0.5)
        s.append((u[1:] + 0.6 * u[:-1]) * np.maximum(0, np.sin(2 * np.pi * (2.3 + 0.8 * j) * n / rate + j)) ** 2)
    e = []
    for j in range(sources):
        late = np.concatenate([np.zeros(5), s[j][:-5]])
        e.append(0.8 * s[j] + 0.3 * late + 0.1 * s[(j + 1) % sources] + noise(length, 1000 + 100 * k + j, 0.01))
    return np.stack(s), np.stack(e + [sum(s) + noise(length, 50 + k, 0.001)])


def bss(targets, estimate, target):
    parts = mir_eval.separation._bss_decomp_mtifilt(targets, estimate, target, 512)
    return mir_eval.separation._bss_source_crit(*parts)


def check_others(targets, estimates):
    ours = np.array([bss(targets, estimates[j], j) for j in range(len(targets))]).T
    estimates, targets = (torch.from_numpy(x) for x in (estimates[:len(targets)], targets))
    for a, b in zip(ours, fast_bss_eval.bss_eval_sources(targets, estimates, compute_permutation=False)):
        assert np.max(np.abs(a - b.numpy())) < 1e-8, (a, b)
    third = signal_distortion_ratio(estimates, targets).numpy()
    assert np.max(np.abs(ours[0] - third)) < 1e-8, (ours[0], third)


def main(path):
    np.random.seed(0)  # pystoi adds noise of 2e-16 to ESTOI's segments
    with open(path, "w", encoding="ascii") as out:
        for k, (name, rate, _, _) in enumerate(ITEMS):
            targets, estimates = item(k)
            check_others(targets, estimates)
            for e, estimate in enumerate(estimates):
                for t, target in enumerate(targets):
                    values = [*bss(targets, estimate, t), pystoi.stoi(target, estimate, rate),
                              pystoi.stoi(target, estimate, rate, extended=True)]
                    print(name, e, t, *(repr(float(v)) for v in values), file=out)


if __name__ == "__main__":
    main(sys.argv[1])
