#!/usr/bin/env python3
"""Writes real_metrics_golden.txt: metrics of real mixtures, which are not part of the project, by other implementations.

Usage: make_real_metrics_golden.py DATA OUTPUT    (DATA/audio/train/{mix,s1,s2}; requirements.txt, and asteroid's losses)

Estimates: e_j = 0.9 s_j + 0.2 s_k delayed by 4 samples + 0.5 s_j |mix|, k the other speaker. Lines
  NAME ESTIMATE TARGET SI-SNR SI-SDR SNR SDR SIR SAR STOI ESTOI
for each pair; estimate 3 is the mixture. The first three are torchmetrics' in double, and asteroid's, with means subtracted and
its own eps, must agree with the first to 1e-4 dB; BSS-eval is mir_eval's, with which fast_bss_eval and torchmetrics must agree
to 1e-8 dB; STOI is pystoi's.
"""
import glob
import os
import sys

import fast_bss_eval
import mir_eval.separation
import numpy as np
import pystoi
import soundfile
import torch
from torchmetrics.functional.audio import (scale_invariant_signal_distortion_ratio, scale_invariant_signal_noise_ratio,
                                           signal_distortion_ratio, signal_noise_ratio)

try:
    from asteroid.losses.sdr import SingleSrcNegSDR
except ImportError:
    SingleSrcNegSDR = None
    print("asteroid is not installed: not compared")

data, output = sys.argv[1:]
lines = ["# by make_real_metrics_golden.py"]
for path in sorted(glob.glob(os.path.join(data, "audio/train/mix/*.wav"))):
    name = os.path.splitext(os.path.basename(path))[0]
    mix, rate = soundfile.read(path)
    s = np.stack([soundfile.read(path.replace("/mix/", f"/{k}/"))[0] for k in ("s1", "s2")])
    late = np.concatenate([np.zeros((2, 4)), s[:, :-4]], 1)
    e = np.concatenate([0.9 * s + 0.2 * late[::-1] + 0.5 * s * np.abs(mix), mix[None]])
    e = e.astype(np.float32).astype(np.float64)
    for i in range(3):
        for j in range(2):
            a, b = torch.from_numpy(e[i]), torch.from_numpy(s[j])
            parts = mir_eval.separation._bss_decomp_mtifilt(s, e[i], j, 512)
            sdr, sir, sar = mir_eval.separation._bss_source_crit(*parts)
            assert abs(signal_distortion_ratio(a, b).item() - sdr) < 1e-8
            si = scale_invariant_signal_noise_ratio(a, b).item()
            if SingleSrcNegSDR:
                assert abs(-SingleSrcNegSDR("sisdr")(a[None], b[None]).item() - si) < 1e-4
            values = [si, scale_invariant_signal_distortion_ratio(a, b).item(), signal_noise_ratio(a, b).item(), sdr, sir, sar,
                      pystoi.stoi(s[j], e[i], rate), pystoi.stoi(s[j], e[i], rate, extended=True)]
            lines.append(f"{name} {i + 1} {j + 1} " + " ".join(f"{v:.12g}" for v in values))
    ours = np.array([[float(x) for x in l.split()[6:9]] for l in lines[-6:]])[[0, 3]].T
    theirs = fast_bss_eval.bss_eval_sources(torch.from_numpy(s), torch.from_numpy(e[:2]), compute_permutation=False)
    for a, b in zip(ours, theirs):
        assert np.max(np.abs(a - b.numpy())) < 1e-8, (a, b)
with open(output, "w") as f:
    f.write("\n".join(lines) + "\n")
