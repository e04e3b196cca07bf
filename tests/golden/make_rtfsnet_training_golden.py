#!/usr/bin/env python3
"""Golden values for the test of RTFS-Net's training: 50 steps of PyTorch in double precision, dropout off.

Writes rtfsnet_training.bin (little-endian float64) and rtfsnet_training.txt (name, shape, offset in values) beside this file:
for every run the loss, the norm of the gradient before clipping and the rate of each step, and, of each parameter and running
statistic afterwards in the order of their names, sum |p[i]| and sum p[i] cos(i).
The network is that of make_rtfsnet_golden.py; steps are torch.optim.AdamW, OneCycleLR and clip_grad_norm_. Initial parameters
and data are drawn by a generator that the test has, too.
Made with torch 2.15 and numpy 2.
"""

import pathlib
from dataclasses import replace

import make_rtfsnet_golden as golden
import numpy as np
import torch
import torch.nn.functional as F

STEPS, LENGTH, BATCH = 50, 320, 2
EPS = 2.0**-23

base = golden.variant(batch_statistics=True, batch=BATCH, length=LENGTH)
RUNS = {
    # two faces a mixture, permuted for the best
    "pit": replace(base, faces=2, video_frames=6),
    # one face a mixture: LSTMs, and a video part without BatchNorm
    "one": replace(
        base,
        faces=1,
        video_frames=16,
        passes=2,
        lstm=True,
        encoder_act_norm=True,
        video_kernel=4,
        video_batch_norm=False,
        dense=True,
        ffn_bias=True,
        fusion_heads=1,
        decoder_bias=True,
    ),
}
# Weights of minus SI-SNR and of the squared difference of complex spectra, the network's own before its inverse transform, as
# ComplexSpecMappingMSELoss and LossMix have it; permuted by the whole sum.
RUNS["spectra"] = replace(RUNS["one"], length=300)
RUNS["spectra_pit"] = RUNS["pit"]
WEIGHTS = {"pit": (1, 0), "one": (1, 0), "spectra": (0.1, 1), "spectra_pit": (1, 0.1)}


def draws(seed, shape):
    """Uniform in [-1, 1): x = (1664525 x + 1013904223) mod 2^32, u = x / 2^32 * 2 - 1."""
    x, u = seed % 2**32, np.empty(int(np.prod(shape)))
    for i in range(u.size):
        x = (x * 1664525 + 1013904223) % 2**32
        u[i] = x / 2**32 * 2 - 1
    return torch.from_numpy(u.reshape(shape))


def name_seed(name):
    """FNV-1a, 32 bits"""
    h = 0x811C9DC5
    for c in name.encode():
        h = ((h ^ c) * 0x01000193) % 2**32
    return h


def initial(name, shape):
    leaf, r = name.rsplit(".", 1)[-1], draws(name_seed(name), shape)
    if leaf == "running_var":
        return 1 + 0.5 * r
    if leaf == "running_mean":
        return 0.3 * r
    if shape == (1,):  # slope of a PReLU
        p = 0.25 + 0.1 * r
    elif leaf == "gamma" or (leaf == "weight" and len(shape) == 1):
        p = 1 + 0.2 * r
    elif leaf == "beta" or len(shape) == 1:
        p = 0.3 * r
    elif ".rnn." in name:
        p = 0.8 * r
    else:
        p = r * (3 / float(np.prod(shape[1:]))) ** 0.5
    return p.requires_grad_()


def si_snr(estimate, target):
    """dB, over the last axis"""
    e, t = (z - z.mean(-1, keepdim=True) for z in (estimate, target))
    t = t * ((e * t).sum(-1, keepdim=True) + EPS) / ((t * t).sum(-1, keepdim=True) + EPS)
    return 10 * torch.log10(((t * t).sum(-1) + EPS) / (((t - e) ** 2).sum(-1) + EPS))


def spectrum_of(v, x):
    """[..., T] -> complex [..., F, frames], of as many frames as the network makes"""
    x = F.pad(x, (0, -x.shape[-1] % (v.window // 2)))
    w = golden.hann(v.window)
    y = torch.stft(x.flatten(0, -2), v.window, v.window // 2, window=w, center=True, pad_mode="reflect", return_complex=True)
    return y.reshape(*x.shape[:-1], *y.shape[1:])


def mapping(v, spectra, targets):
    """spectra [B S, 2, frames, F] -> [B, S]"""
    own = torch.complex(spectra[:, 0], spectra[:, 1]).transpose(1, 2).reshape(*targets.shape[:2], spectra.shape[3], -1)
    d = own - spectrum_of(v, targets)
    return (d.real**2 + d.imag**2).mean((2, 3))


def loss_of(v, weights, estimates, spectra, targets):
    """[B, S, T]: the permutation of two that is best for an item, or the only one."""

    def cost(t):
        return (weights[1] * mapping(v, spectra, t) - weights[0] * si_snr(estimates, t)).mean(1)

    orders = [cost(targets)]
    if targets.shape[1] == 2:
        orders.append(cost(targets.flip(1)))
    return torch.stack(orders).amin(0).mean()


def data(v, step):
    sources = 0.3 * draws(1000 + step, (v.batch, 2, v.length))
    features = draws(5000 + step, (v.batch * v.faces, v.video_channels, v.video_frames))
    return sources.sum(1), sources[:, : v.faces], features


def train(v, weights):
    net = golden.network(v, initial)
    with torch.no_grad():
        net.v = replace(v, batch_statistics=False)
        net.run(*data(v, 0)[::2])  # makes the parameters
        net.v = v
    optimiser = torch.optim.AdamW(net.p.values(), lr=4e-5, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-3, total_steps=STEPS, pct_start=0.1)
    rows = {"loss": [], "norm": [], "rate": []}
    for step in range(STEPS):
        mixtures, targets, features = data(v, step)
        optimiser.zero_grad()
        loss = loss_of(v, weights, *net.run(mixtures, features), targets)
        loss.backward()
        rows["norm"].append(float(torch.nn.utils.clip_grad_norm_(list(net.p.values()), 5.0)))
        rows["rate"].append(schedule.get_last_lr()[0])
        rows["loss"].append(float(loss.detach()))
        optimiser.step()
        schedule.step()
    arrays = {n: np.array(r) for n, r in rows.items()}
    everything = {**net.p, **net.buffers}
    flat = [everything[n].detach().numpy().ravel() for n in sorted(everything)]
    arrays["sums"] = np.array([[np.abs(p).sum(), (p * np.cos(np.arange(p.size))).sum()] for p in flat])
    return arrays


def main():
    torch.set_num_threads(1)
    stem = pathlib.Path(__file__).with_name("rtfsnet_training")
    golden.write(stem, {name: train(v, WEIGHTS[name]) for name, v in RUNS.items()})


if __name__ == "__main__":
    main()
