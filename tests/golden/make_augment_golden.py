#!/usr/bin/env python3
"""Writes augment.txt and augment.bin: what numpy and scipy make of a short signal where avss augments it.

Usage: make_augment_golden.py OUTPUT_STEM    (made with numpy 2.4 and scipy 1.17, float64)

The signal x is noise(1000, 7, 0.3) of tests/support/audio_fixture.hpp at 8 kHz. Filters are analogue prototypes, taken to the
sample rate by scipy's bilinear transform; responses h are noise(300, 9, 1) exp(-n / 60) after 40 samples of silence.
"""
import sys

import numpy as np
from scipy import signal

RATE, LENGTH = 8000, 1000


def noise(length, seed, level):
    out, state = np.empty(length), seed
    for n in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        out[n] = level * (state / 4294967296.0 * 2 - 1)
    return out.astype(np.float32).astype(np.float64)


def bilinear(b, a, frequency, x):
    """The prototype b(s) / a(s), at 1 rad/s, moved to the frequency."""
    digital = signal.bilinear(b, a, fs=0.5 / np.tan(np.pi * frequency / RATE))
    return signal.lfilter(*digital, x)


def peak(x, frequency, q, db):
    a = 10**(db / 40)
    return bilinear([1, a / q, 1], [1, 1 / (a * q), 1], frequency, x)


def low_shelf(x, frequency, q, db):
    a = 10**(db / 40)
    return bilinear([a, a * np.sqrt(a) / q, a * a], [a, np.sqrt(a) / q, 1], frequency, x)


def high_shelf(x, frequency, q, db):
    a = 10**(db / 40)
    return bilinear([a * a, a * np.sqrt(a) / q, a], [1, np.sqrt(a) / q, a], frequency, x)


def butter(x, order, frequency, kind):
    return signal.sosfilt(signal.butter(order, frequency, kind, fs=RATE, output="sos"), x)


def speed(x, factor):
    """torchaudio.functional.speed: windowed-sinc resampling from int(factor rate) to rate, sample by sample."""
    source = int(factor * RATE)
    common = np.gcd(source, RATE)
    o, n = source // common, RATE // common
    base = min(o, n) * 0.99
    out = np.zeros(-(-n * len(x) // o))
    for k in range(len(out)):
        t = np.clip((np.arange(len(x)) / o - k / n) * base, -6, 6)
        out[k] = np.sum(x * np.sinc(t) * np.cos(np.pi * t / 12)**2) * base / o
    fitted = np.zeros(len(x))
    fitted[:min(len(out), len(x))] = out[:len(x)]
    return fitted


def main(stem):
    x = noise(LENGTH, 7, 0.3)
    h = np.concatenate([np.zeros(40), (noise(300, 9, 1) * np.exp(-np.arange(300) / 60)).astype(np.float32).astype(np.float64)])
    full = np.convolve(x, h)
    top = int(np.argmax(np.abs(h)))
    room = full[top:top + LENGTH]
    root = np.sqrt(0.5)
    equalized = high_shelf(low_shelf(x, 100, root, 4), 2500, root, 4)
    for _ in range(3):
        equalized = peak(equalized, 1000, 1.5, 4)
    low, high = np.percentile(x, [15, 85])
    background = noise(LENGTH, 11, 0.5)
    arrays = {
        "low_pass/1": butter(x, 2, 1000, "low"),
        "low_pass/2": butter(x, 4, 1000, "low"),
        "high_pass/1": butter(x, 2, 300, "high"),
        "high_pass/2": butter(x, 4, 300, "high"),
        "band_pass/1": butter(butter(x, 2, 500, "high"), 2, 1500, "low"),
        "band_stop/1": bilinear([1, 0, 1], [1, 0.5, 1], 1000, x),
        "peak/up": peak(x, 1000, 2, 6),
        "low_shelf/up": low_shelf(x, 500, 0.8, 6),
        "low_shelf/down": low_shelf(x, 500, 0.8, -9),
        "high_shelf/up": high_shelf(x, 1500, 0.8, 6),
        "high_shelf/down": high_shelf(x, 1500, 0.8, -9),
        "equalizer/1": equalized,
        "response/h": h,
        "response/plain": full[:LENGTH],
        "response/compensated": room,
        "response/level": room * np.sqrt(np.mean(x**2) / np.mean(room**2)),
        "clipping/30": np.clip(x, low, high),
        "noise/5dB": x + background * np.sqrt(np.sum(x**2) / np.sum(background**2) * 10**(-5 / 10)),
        "speed/1.1": speed(x, 1.1),
        "speed/0.95": speed(x, 0.95),
    }
    offset = 0
    with open(stem + ".txt", "w", encoding="ascii") as index, open(stem + ".bin", "wb") as values:
        for name, array in arrays.items():
            print(name, len(array), offset, file=index)
            values.write(np.asarray(array, "<f8").tobytes())
            offset += len(array)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
