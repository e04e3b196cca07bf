#!/usr/bin/env python3
"""Golden gradients of the lip-reading encoder: PyTorch's own, in double precision.

Writes lip_training.bin (little-endian float64) and lip_training.txt (name, shape, offset in values) beside this file. The networks
are those of lip_encoder.bin, by activation. Each sees two clips x [2 x T, H, W] as one batch; the loss is the sum of dy times the
features y [16, 2 x T]. For BatchNorm by the statistics of the batch (ACTIVATION/...), and, with PReLU, by the running ones
(prelu_frozen/...): y, the gradient dx, grad/NAME of every parameter, and after/NAME of the running statistics.
Made with torch 2.15 and numpy 2.
"""

import pathlib

import numpy as np
import torch
from make_lip_encoder_golden import ACTIVATIONS, Encoder, write

torch.set_num_threads(1)


def networks(stem):
    """The parameters and running statistics of lip_encoder.bin, for each activation."""
    data = np.fromfile(stem.with_suffix(".bin"), dtype="<f8")
    found = {a: {} for a in ACTIVATIONS}
    for line in stem.with_suffix(".txt").read_text().splitlines():
        name, shape, offset = line.rsplit(" ", 2)
        activation, kind, *rest = name.split("/")
        if kind in ("param", "state"):
            shape = [int(n) for n in shape.split(",") if n]
            values = data[int(offset) : int(offset) + int(np.prod(shape))].reshape(shape)
            found[activation]["/".join(rest)] = torch.tensor(values)
    return found


def features(net, clips):  # [clips, T, H, W] -> [features, clips x T]
    x = net.frontend3D(clips[:, None]).transpose(1, 2).flatten(0, 1)
    return net.trunk(x).mean((2, 3)).T


def make(activation, values, training, seed):
    random = np.random.default_rng(seed)
    net = Encoder(activation, width=2).double()
    missing = net.load_state_dict(values, strict=False)
    assert not missing.unexpected_keys and all(k.endswith("num_batches_tracked") for k in missing.missing_keys)
    net.train(training)
    x = torch.tensor(random.normal(size=(2, 5, 21, 22)), requires_grad=True)
    y = features(net, x)
    dy = torch.tensor(random.normal(size=y.shape))
    (y * dy).sum().backward()
    arrays = {"x": x.detach().flatten(0, 1), "dy": dy, "y": y.detach(), "dx": x.grad.flatten(0, 1)}
    arrays |= {"grad/" + name: p.grad for name, p in net.named_parameters()}
    if training:
        arrays |= {"after/" + name: b for name, b in net.named_buffers() if "running" in name}
    return {name: a.numpy() for name, a in arrays.items()}


def main():
    here = pathlib.Path(__file__)
    given = networks(here.with_name("lip_encoder"))
    groups = {a: make(a, given[a], True, 200 + i) for i, a in enumerate(ACTIVATIONS)}
    groups["prelu_frozen"] = make("prelu", given["prelu"], False, 210)
    write(here.with_name("lip_training"), groups)


if __name__ == "__main__":
    main()
