#!/usr/bin/env python3
"""Golden values for the lip-reading encoder's test: an independent PyTorch implementation, in double precision.

Writes lip_encoder.bin (little-endian float64) and lip_encoder.txt (name, shape, offset in values) beside this file: for every
activation the parameters and running statistics of a network of width 2, a clip x [T, H, W], the features y [16, T] with
running statistics and with those of the clip, and the running statistics that these become with momentum 1.
Made with torch 2.15 and numpy 2.

  make_lip_encoder_golden.py              writes the two files
  make_lip_encoder_golden.py --check FILE compares the implementation with the published values that FILE holds
                                          (reference_video_encoder_golden.npz)

Source: Martinez et al. 2020, arXiv:2001.08702; names are those of the published state_dict.
"""

import argparse
import pathlib
import zlib

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
ACTIVATIONS = ["relu", "prelu", "swish"]


def bend(activation, channels):
    return {"relu": nn.ReLU, "swish": nn.SiLU}[activation]() if activation != "prelu" else nn.PReLU(channels)


class Block(nn.Module):
    def __init__(self, activation, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = bend(activation, outputs)
        self.relu2 = bend(activation, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu2(y + (x if self.downsample is None else self.downsample(x)))


class Encoder(nn.Module):
    def __init__(self, activation, width=64):
        super().__init__()
        stages = {}
        inputs = width
        for i in range(4):
            outputs = width << i
            first = Block(activation, inputs, outputs, 1 if i == 0 else 2)
            stages[f"layer{i + 1}"] = nn.Sequential(first, Block(activation, outputs, outputs, 1))
            inputs = outputs
        self.trunk = nn.Sequential()
        for name, stage in stages.items():
            self.trunk.add_module(name, stage)
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, width, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False),
            nn.BatchNorm3d(width),
            bend(activation, width),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )

    def forward(self, clip):  # [T, H, W] -> [features, T]
        x = self.frontend3D(clip[None, None])[0].transpose(0, 1)
        return self.trunk(x).mean((2, 3)).T


def make(activation, seed, frames, height, width):
    random = np.random.default_rng(seed)
    net = Encoder(activation, width=2).double()
    for name, p in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        scale = 0.5 if p.ndim < 2 else np.sqrt(3 / np.prod(p.shape[1:]))
        values = random.uniform(-1, 1, p.shape) * scale
        if p.ndim == 1 and not name.endswith(("bias", "running_mean")):
            values = 1 + values
        p.copy_(torch.tensor(values))
    x = torch.tensor(random.normal(size=(frames, height, width)))
    arrays = {}
    for name, p in net.state_dict().items():
        arrays[("state/" if "running" in name else "param/") + name] = p.numpy().copy()
    arrays = {k: v for k, v in arrays.items() if not k.endswith("num_batches_tracked")}
    arrays["x"] = x.numpy()
    net.eval()
    arrays["y/running"] = net(x).detach().numpy()
    net.train()
    for m in net.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.momentum = 1.0
    arrays["y/batch"] = net(x).detach().numpy()
    for name, p in net.state_dict().items():
        if "running" in name:
            arrays["after/" + name] = p.numpy()
    return arrays


def write(stem, groups):
    offset = 0
    with open(stem.with_suffix(".txt"), "w") as index, open(stem.with_suffix(".bin"), "wb") as data:
        for group, arrays in groups.items():
            for name, a in arrays.items():
                a = np.asarray(a, dtype="<f8")
                index.write(f"{group}/{name} {','.join(map(str, a.shape))} {offset}\n")
                data.write(a.tobytes())
                offset += a.size


def formula(key, shape):
    """The weights of the published values: see reference_models.md, section 11."""
    i = np.arange(int(np.prod(shape)), dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    h = (i * np.uint64(2654435761) + np.uint64(zlib.crc32(key.encode()))) & mask
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        h ^= h >> np.uint64(shift)
        h = (h * np.uint64(factor)) & mask
    h ^= h >> np.uint64(16)
    v = ((h >> np.uint64(21)).astype(np.float64) / 1024 - 1).reshape(shape)
    leaf = key.rsplit(".", 1)[1]
    if leaf == "running_var":
        return 1 + 0.5 * v
    if leaf == "running_mean" or leaf == "bias":
        return 0.25 * v
    return 1 + 0.25 * v if len(shape) == 1 else v * 2 ** np.round(0.5 * np.log2(3 / np.prod(shape[1:])))


def check(path):
    golden = np.load(path)
    net = Encoder("swish").double()
    for name, p in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            p.copy_(torch.tensor(formula(name, tuple(p.shape))))
    x = torch.tensor(golden["frames"].astype(np.float64) / 255)
    x = (x - x.mean()) / x.std().clamp(min=1e-8)
    for name, training in (("emb_bn_eval", False), ("emb_bn_batchstats", True)):
        net.train(training)
        far = np.abs(net(x).detach().numpy() - golden[name]).max()
        print(f"{name}: differs by {far:.1e}")
        assert far < 1e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="FILE")
    args = parser.parse_args()
    with torch.no_grad():
        if args.check:
            return check(args.check)
        stem = pathlib.Path(__file__).with_name("lip_encoder")
        write(stem, {a: make(a, 100 + i, 7 - i, 21 + 3 * i, 26) for i, a in enumerate(ACTIVATIONS)})


if __name__ == "__main__":
    main()
