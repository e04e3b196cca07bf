#!/usr/bin/env python3
"""Writes resample.txt: torchaudio.functional.resample's output in double for a few pairs of rates.

Run with torch and torchaudio (BSD-2) of any version from 2.0 on:  python3 make_resample_golden.py
Only the two functions that make the result are taken from torchaudio's file, so its binary part need not load.
The input is uniform noise of a linear congruential generator: x = x * 1664525 + 1013904223 mod 2^32, sample 2 x / 2^32 - 1.
"""
import ast
import importlib.util
import math
import pathlib
import typing

import torch

CASES = [  # from Hz, to Hz, samples, seed
    (16000, 8000, 61, 1), (8000, 16000, 37, 2), (44100, 16000, 200, 3), (16000, 44100, 23, 4), (48000, 16000, 97, 5),
    (3, 7, 20, 6), (7, 3, 40, 7), (16000, 11025, 50, 8), (16000, 16000, 5, 9), (44100, 8000, 1, 10), (8000, 44100, 1, 11),
]


def torchaudio_functions():
    folder = pathlib.Path(importlib.util.find_spec("torchaudio").origin).parent
    tree = ast.parse((folder / "functional" / "functional.py").read_text())
    wanted = ("_get_sinc_resample_kernel", "_apply_sinc_resample_kernel")
    tree.body = [f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name in wanted]
    space = {"torch": torch, "math": math, "Tensor": torch.Tensor, "Optional": typing.Optional,
             "_CPU": torch.device("cpu")}
    exec(compile(tree, "functional.py", "exec"), space)
    return [space[name] for name in wanted]


def noise(count, state):
    out = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state / 2**32 * 2 - 1)
    return torch.tensor(out, dtype=torch.float64)


make_kernel, apply_kernel = torchaudio_functions()
lines = []
for source, target, count, seed in CASES:
    x = noise(count, seed)
    y = x
    if source != target:  # as resample() does
        gcd = math.gcd(source, target)
        kernel, width = make_kernel(source, target, gcd, 6, 0.99, "sinc_interp_hann", None, x.device, x.dtype)
        y = apply_kernel(x, source, target, gcd, kernel, width)
    lines.append(f"{source} {target} {count} {seed} {len(y)}")
    lines += [" ".join(f"{v:.17g}" for v in y[i:i + 5].tolist()) for i in range(0, len(y), 5)]
(pathlib.Path(__file__).parent / "resample.txt").write_text("\n".join(lines) + "\n")
