#!/usr/bin/env python3
"""Golden values for the Conv-TasNet test: an independent PyTorch implementation, in double precision.

Writes convtasnet.bin (little-endian float64) and convtasnet.txt (name, shape, offset in values) beside this file:
for every variant the parameters, x [2, T], y [2, C, T], dy (random), and the gradients of sum(y * dy).
Made with torch 2.15 and numpy 2.

  make_convtasnet_golden.py                 writes the two files
  make_convtasnet_golden.py --check JSON    compares the implementation with values made by torchaudio and asteroid

Sources: Luo and Mesgarani 2019, arXiv:1809.07454; the differences between the published implementations are the switches
of `variant`.
"""

import argparse
import itertools
import json
import pathlib
import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F


@dataclass
class variant:
    length: int = 45
    sources: int = 2
    filters: int = 7
    window: int = 4
    stride: int = 2
    bottleneck: int = 5
    skip: int = 4  # 0: none
    hidden: int = 6
    kernel: int = 3
    blocks: int = 2
    repeats: int = 2
    padding: str = "none"
    encoder_relu: bool = False
    encoder_bias: bool = False
    decoder_bias: bool = False
    first_norm: str = "global"
    first_eps: float = 1e-8
    norm: str = "global"
    eps: float = 1e-8
    bias: bool = True
    mask_prelu: bool = True
    mask: str = "sigmoid"
    causal: bool = False
    last: str = "left_out"  # the last block's residual convolution: left_out, unused or used


torchaudio = variant(padding="both_ends")
asteroid = variant(last="unused", mask="relu")
VARIANTS = {
    "torchaudio_relu": replace(torchaudio, mask="relu", window=5),
    "torchaudio_sigmoid": torchaudio,
    "torchaudio_one_sample": replace(torchaudio, length=1, blocks=1),
    "asteroid": replace(asteroid, kernel=5),
    "asteroid_no_skip_softmax": replace(asteroid, skip=0, last="used", mask="softmax", sources=3, window=5, stride=3),
    "asteroid_causal_per_frame": replace(asteroid, causal=True, first_norm="per_frame", norm="per_frame", kernel=4),
    "asteroid_causal_cumulative": replace(
        asteroid, causal=True, first_norm="cumulative", norm="cumulative", mask="sigmoid", blocks=3, repeats=1
    ),
    "end_to_window": replace(
        asteroid,
        padding="end_to_window",
        encoder_bias=True,
        decoder_bias=True,
        first_eps=1e-5,
        eps=1e-5,
        mask="sigmoid",
        window=8,
        stride=4,
    ),
    "kaituoxu": replace(
        asteroid, encoder_relu=True, first_norm="per_frame", bias=False, skip=0, last="used", mask_prelu=False
    ),
    "authors": replace(asteroid, padding="authors", mask="sigmoid", length=44),
    "authors_causal": replace(
        asteroid, padding="authors", causal=True, first_norm="cumulative", norm="cumulative", mask="sigmoid", repeats=1
    ),
}


def param_shapes(v):
    """Names as in torchaudio's state_dict, in its order."""
    shapes = {}

    def conv(name, out, per_group, k, bias):
        shapes[name + ".weight"] = (out, per_group, k)
        if bias:
            shapes[name + ".bias"] = (out,)

    def norm(name, c):
        shapes[name + ".weight"] = (c,)
        shapes[name + ".bias"] = (c,)

    conv("encoder", v.filters, 1, v.window, v.encoder_bias)
    norm("mask_generator.input_norm", v.filters)
    conv("mask_generator.input_conv", v.bottleneck, v.filters, 1, v.bias)
    n = v.blocks * v.repeats
    for i in range(n):
        block = f"mask_generator.conv_layers.{i}"
        conv(block + ".conv_layers.0", v.hidden, v.bottleneck, 1, v.bias)
        shapes[block + ".conv_layers.1.weight"] = (1,)
        norm(block + ".conv_layers.2", v.hidden)
        conv(block + ".conv_layers.3", v.hidden, 1, v.kernel, v.bias)
        shapes[block + ".conv_layers.4.weight"] = (1,)
        norm(block + ".conv_layers.5", v.hidden)
        if i + 1 < n or v.last != "left_out":
            conv(block + ".res_out", v.bottleneck, v.hidden, 1, v.bias)
        if v.skip:
            conv(block + ".skip_out", v.skip, v.hidden, 1, v.bias)
    if v.mask_prelu:
        shapes["mask_generator.output_prelu.weight"] = (1,)
    conv("mask_generator.output_conv", v.sources * v.filters, v.skip or v.bottleneck, 1, v.bias)
    shapes["decoder.weight"] = (v.filters, 1, v.window)
    if v.decoder_bias:
        shapes["decoder.bias"] = (1,)
    return shapes


def normalise(kind, eps, x, gamma, beta):
    """x [B, C, T], biased variance, eps within the root."""
    if kind == "global":
        mean = x.mean((1, 2), keepdim=True)
        var = ((x - mean) ** 2).mean((1, 2), keepdim=True)
    elif kind == "per_frame":
        mean = x.mean(1, keepdim=True)
        var = ((x - mean) ** 2).mean(1, keepdim=True)
    else:
        count = x.shape[1] * torch.arange(1, x.shape[2] + 1, dtype=x.dtype)
        mean = x.sum(1, keepdim=True).cumsum(2) / count
        var = (x**2).sum(1, keepdim=True).cumsum(2) / count - mean**2
    return (x - mean) / (var + eps).sqrt() * gamma[:, None] + beta[:, None]


def forward(v, p, x):
    """x [B, T] to [B, sources, T]."""
    batch, length = x.shape
    left = v.stride if v.padding in ("both_ends", "authors") else 0
    if v.padding == "both_ends":
        rest = -(length - v.window % 2) % v.stride
    elif v.padding == "end_to_window":
        rest = -length % v.window
    elif v.padding == "authors":
        rest = v.window - (v.stride + length % v.window) % v.window
    else:
        rest = 0
    padded = F.pad(x, (left, rest + left))
    w = F.conv1d(padded[:, None], p["encoder.weight"], p.get("encoder.bias"), stride=v.stride)
    if v.encoder_relu:
        w = w.relu()

    m = "mask_generator."

    def conv(name, z, **kwargs):
        return F.conv1d(z, p[m + name + ".weight"], p.get(m + name + ".bias"), **kwargs)

    def prelu(name, z):
        return torch.where(z > 0, z, p[m + name + ".weight"] * z)

    def norm(name, kind, eps, z):
        return normalise(kind, eps, z, p[m + name + ".weight"], p[m + name + ".bias"])

    y = conv("input_conv", norm("input_norm", v.first_norm, v.first_eps, w))
    skip = 0
    n = v.blocks * v.repeats
    for i in range(n):
        b = f"conv_layers.{i}."
        d = 2 ** (i % v.blocks)
        h = norm(b + "conv_layers.2", v.norm, v.eps, prelu(b + "conv_layers.1", conv(b + "conv_layers.0", y)))
        reach = (v.kernel - 1) * d
        h = F.pad(h, (reach, 0) if v.causal else (reach // 2, reach // 2))
        h = conv(b + "conv_layers.3", h, dilation=d, groups=v.hidden)
        h = norm(b + "conv_layers.5", v.norm, v.eps, prelu(b + "conv_layers.4", h))
        if v.skip:
            skip = skip + conv(b + "skip_out", h)
        if i + 1 < n or v.last != "left_out":
            y = y + conv(b + "res_out", h)
    z = skip if v.skip else y
    if v.mask_prelu:
        z = prelu("output_prelu", z)
    z = conv("output_conv", z).reshape(batch, v.sources, v.filters, -1)
    masks = {"relu": torch.relu, "sigmoid": torch.sigmoid, "softmax": lambda a: torch.softmax(a, 1)}[v.mask](z)
    out = masks * w[:, None]
    out = F.conv_transpose1d(out.flatten(0, 1), p["decoder.weight"], p.get("decoder.bias"), stride=v.stride)
    out = out.reshape(batch, v.sources, -1)[..., left:]
    return F.pad(out, (0, max(0, length - out.shape[-1])))[..., :length]


def make(v, seed):
    g = torch.Generator().manual_seed(seed)
    p = {}
    for name, shape in param_shapes(v).items():
        r = 2 * torch.rand(shape, generator=g, dtype=torch.float64) - 1
        if shape == (1,) and name != "decoder.bias":  # slope of a PReLU
            p[name] = 0.25 + 0.1 * r
        elif len(shape) == 3:
            p[name] = r * (3 / (shape[1] * shape[2])) ** 0.5
        elif name.endswith("weight"):
            p[name] = 1 + 0.2 * r
        else:
            p[name] = 0.3 * r
        p[name].requires_grad_()
    x = (torch.rand((2, v.length), generator=g, dtype=torch.float64) - 0.5).requires_grad_()
    y = forward(v, p, x)
    dy = 2 * torch.rand(y.shape, generator=g, dtype=torch.float64) - 1
    (y * dy).sum().backward()
    arrays = {"x": x, "y": y, "dy": dy, "dx": x.grad}
    arrays.update({"param/" + name: a for name, a in p.items()})
    arrays.update({"grad/" + name: a.grad for name, a in p.items() if a.grad is not None})
    return {name: a.detach().numpy() for name, a in arrays.items()}


def write(stem, groups):
    """groups: {variant: {name: array}}"""
    offset = 0
    with open(f"{stem}.bin", "wb") as values, open(f"{stem}.txt", "w") as index:
        for group, arrays in groups.items():
            for name, a in arrays.items():
                index.write(f"{group}/{name} {','.join(map(str, a.shape))} {offset}\n")
                values.write(np.ascontiguousarray(a, "<f8").tobytes())
                offset += a.size


def pit_neg_si_sdr(est, target, eps=1e-8):
    """est, target [C, T]; zero-mean, minimum over the permutations, as asteroid computes it."""
    est = est - est.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)

    def pair(e, s):
        projection = (e @ s) / (s @ s + eps) * s
        noise = e - projection
        return -10 * torch.log10((projection @ projection) / (noise @ noise + eps) + eps)

    n = len(est)
    return min(sum(pair(est[o[j]], target[j]) for j in range(n)) / n for o in itertools.permutations(range(n)))


def from_asteroid(name):
    """An asteroid parameter's name in torchaudio's words."""
    for old, new in [
        ("filterbank._filters", "weight"),
        ("masker.bottleneck.0", "mask_generator.input_norm"),
        ("masker.bottleneck.1", "mask_generator.input_conv"),
        ("masker.TCN", "mask_generator.conv_layers"),
        ("shared_block.3.0", "conv_layers.3"),
        ("shared_block", "conv_layers"),
        ("res_conv", "res_out"),
        ("skip_conv", "skip_out"),
        ("masker.mask_net.0", "mask_generator.output_prelu"),
        ("masker.mask_net.1", "mask_generator.output_conv"),
        (".gamma", ".weight"),
        (".beta", ".bias"),
    ]:
        name = name.replace(old, new)
    return name


def published(case, name):
    """The variant of a case of the published values."""
    k = case["kind"]
    if "torchaudio" in name:
        return variant(
            sources=k["num_sources"],
            filters=k["enc_num_feats"],
            window=k["enc_kernel_size"],
            stride=k["enc_kernel_size"] // 2,
            bottleneck=k["msk_num_feats"],
            skip=k["msk_num_feats"],
            hidden=k["msk_num_hidden_feats"],
            kernel=k["msk_kernel_size"],
            blocks=k["msk_num_layers"],
            repeats=k["msk_num_stacks"],
            padding="both_ends",
            mask="relu" if "relu" in name else "sigmoid",
        )
    norm = "cumulative" if "cgLN" in name else "per_frame" if "cLN" in name else "global"
    return variant(
        sources=k["n_src"],
        filters=k["n_filters"],
        window=k["kernel_size"],
        stride=k["stride"],
        bottleneck=k["bn_chan"],
        skip=k["skip_chan"] or 0,
        hidden=k["hid_chan"],
        kernel=k["conv_kernel_size"],
        blocks=k["n_blocks"],
        repeats=k["n_repeats"],
        first_norm=norm,
        norm=norm,
        mask="softmax" if "softmax" in name else "relu" if "relu" in name or "_cLN" in name else "sigmoid",
        causal="causal" in name,
        last="unused" if k["skip_chan"] else "used",
    )


def published_arrays(path):
    """Yields (name, variant, {array name: array}, loss) from the file of published values."""
    for name, case in json.load(open(path)).items():
        params = {from_asteroid(n): np.array(a["data"], "f8").reshape(a["shape"]) for n, a in case["params"].items()}
        arrays = {"x": np.array(case["input"], "f8")[None], "y": np.array(case["output"], "f8")[None]}
        arrays["target"] = np.array(case["targets"], "f8")[None]
        arrays.update({"param/" + n: a for n, a in params.items()})
        for n, a in case["grads"].items():
            n = from_asteroid(n)
            arrays["grad/" + n] = np.array(a, "f8").reshape(params[n].shape)
        yield name, published(case, name), arrays, case["loss_pit_neg_sisdr_asteroid"]


def check(path):
    worst = 0.0
    for name, v, arrays, loss in published_arrays(path):
        shapes = {n[6:]: a.shape for n, a in arrays.items() if n.startswith("param/")}
        assert shapes == param_shapes(v), f"{name}: other parameters"
        p = {n: torch.tensor(arrays["param/" + n], requires_grad=True) for n in shapes}
        y = forward(v, p, torch.tensor(arrays["x"]))
        ours = pit_neg_si_sdr(y[0], torch.tensor(arrays["target"][0]))
        ours.backward()
        far = lambda a, b: float(np.abs(a - b).max() / np.abs(b).max())
        d_out = far(y.detach().numpy(), arrays["y"])
        d_loss = abs(float(ours.detach()) - loss) / abs(loss)
        d_grad = max(far(p[n].grad.numpy(), arrays["grad/" + n]) for n in shapes if "grad/" + n in arrays)
        print(f"{name}: output {d_out:.1e}, loss {d_loss:.1e}, gradients {d_grad:.1e}")
        worst = max(worst, d_out, d_loss, d_grad)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="JSON", help="compare with published values instead of writing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.check:
        worst = check(args.check)
        print(f"largest relative difference {worst:.1e}")
        sys.exit(worst > 1e-10)
    stem = pathlib.Path(__file__).with_name("convtasnet")
    write(stem, {name: make(v, 100 + i) for i, (name, v) in enumerate(VARIANTS.items())})


if __name__ == "__main__":
    main()
