#!/usr/bin/env python3
"""Golden values for the RTFS-Net test: an independent PyTorch implementation, in double precision.

Writes rtfsnet.bin (little-endian float64) and rtfsnet.txt (name, shape, offset in values) beside this file: for every variant
the parameters, each with its gradient behind it, running statistics, x [B, T], v [B S, C, Tv], y [B, S, T], dy and dspectrum
(random), dx and dv, and the running statistics afterwards where they are updated. The gradients are those of
sum(y * dy) + sum(spectrum * dspectrum).
Made with torch 2.15 and numpy 2.

  make_rtfsnet_golden.py                  writes the two files
  make_rtfsnet_golden.py --check FOLDER   compares the implementation with the values of the published networks that FOLDER
                                          holds (rtfsnet_golden.npz)

Sources: Pegg, Li and Hu 2024, arXiv:2309.17189, and its published code; the reference project's differences are the switches
of `variant`. Names are those of the published state_dict.
"""

import argparse
import math
import pathlib
import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

EPS = 1e-5


@dataclass
class variant:
    window: int = 64
    channels: int = 6
    hidden: int = 4
    kernel: int = 4
    levels: int = 2
    passes: int = 3
    lstm: bool = False
    rnn_window: int = 3
    rnn_hidden: int = 2
    rnn_layers: int = 2
    heads: int = 2
    attention_channels: int = 2
    attend_heads: bool = False
    projection_norm: bool = True
    encoder_act_norm: bool = False
    video_channels: int = 12
    video_hidden: int = 4
    video_kernel: int = 3
    video_levels: int = 4
    video_heads: int = 2
    video_batch_norm: bool = True
    dense: bool = False
    ffn_bias: bool = False
    fusion_heads: int = 2
    decoder_bias: bool = False
    tail: str = "padded"
    # of the values, not of the network
    batch: int = 2
    faces: int = 1
    length: int = 300
    video_frames: int = 9
    batch_statistics: bool = False


official = variant()
reference = variant(
    passes=3,
    lstm=True,
    attend_heads=True,
    encoder_act_norm=True,
    video_kernel=4,
    video_batch_norm=False,
    dense=True,
    ffn_bias=True,
    fusion_heads=1,
    decoder_bias=True,
    tail="silent",
)
VARIANTS = {
    "official": official,
    "official_2023_training": replace(
        official, projection_norm=False, passes=2, faces=2, batch_statistics=True, tail="exact", length=331
    ),
    # Alone: its items would be one batch to the attention.
    "reference": replace(reference, batch=1, video_frames=17),
    "mixed": replace(
        reference,
        attend_heads=False,
        levels=3,
        kernel=3,
        rnn_layers=1,
        video_batch_norm=True,
        ffn_bias=False,
        passes=1,
        length=500,
    ),
}
AUDIO = "refinement_module.audio_net.blocks."
VIDEO = "refinement_module.video_net.blocks."
FUSION = "refinement_module.crossmodal_fusion.fusion_module.audio_lstm."


def hann(n):
    """As the networks were trained: rounded to float."""
    return (0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(n, dtype=torch.float64) / n)).float().double()


class network:
    """The parameters are made when first asked for: `draw(name, shape)`."""

    def __init__(self, v, draw):
        self.v, self.draw, self.p, self.buffers = v, draw, {}, {}

    def get(self, name, *shape):
        if name not in self.p:
            self.p[name] = self.draw(name, shape)
        assert tuple(self.p[name].shape) == shape, (name, tuple(self.p[name].shape), shape)
        return self.p[name]

    def buffer(self, name, *shape):
        if name not in self.buffers:
            self.buffers[name] = self.draw(name, shape)
        return self.buffers[name]

    def conv(self, name, x, out, kernel=(), groups=1, bias=True, **kw):
        """x [B, C, T] or [B, C, T, F]"""
        axes = x.dim() - 2
        kernel = kernel or (1,) * axes
        w = self.get(name + "weight", out, x.shape[1] // groups, *kernel)
        b = self.get(name + "bias", out) if bias else None
        return (F.conv2d if axes == 2 else F.conv1d)(x, w, b, groups=groups, **kw)

    def same(self, name, x, out, k, groups, bias):
        left = (k - 1) // 2
        axes = x.dim() - 2
        return self.conv(name, F.pad(x, (left, k - 1 - left) * axes), out, (k,) * axes, groups, bias)

    def prelu(self, name, x):
        return F.prelu(x, self.get(name, 1))

    def item_norm(self, name, x):
        c = x.shape[1]
        return F.group_norm(x, 1, self.get(name + "weight", c), self.get(name + "bias", c), EPS)

    def batch_norm(self, name, x):
        c = x.shape[1]
        mean, var = self.buffer(name + "running_mean", c), self.buffer(name + "running_var", c)
        weight, bias = self.get(name + "weight", c), self.get(name + "bias", c)
        return F.batch_norm(x, mean, var, weight, bias, self.v.batch_statistics, 0.1, EPS)

    def block_norm(self, name, x, batch):
        return self.batch_norm(name, x) if batch else self.item_norm(name + "norm.", x)

    def sru(self, name, x):
        """x [S, N, I] -> [S, N, 2 d]"""
        d = self.v.rnn_hidden
        for layer in range(self.v.rnn_layers):
            q = f"{name}rnn_lst.{layer}."
            steps, n, width = x.shape
            k = 3 if width == 2 * d else 4
            u = (x @ self.get(q + "weight", width, 2 * d * k)).reshape(steps, n, 2, d, k)
            v_f, v_r = self.get(q + "weight_c", 4 * d).reshape(2, 2, d)
            b_f, b_r = self.get(q + "bias", 4 * d).reshape(2, 2, d)
            highway = u[..., 3] if k == 4 else x.reshape(steps, n, 2, d)
            rows = [[None] * steps, [None] * steps]
            for way in range(2):
                c = torch.zeros(n, d, dtype=x.dtype)
                for t in range(steps) if way == 0 else reversed(range(steps)):
                    forget = torch.sigmoid(u[t, :, way, :, 1] + v_f[way] * c + b_f[way])
                    reset = torch.sigmoid(u[t, :, way, :, 2] + v_r[way] * c + b_r[way])
                    c = forget * c + (1 - forget) * u[t, :, way, :, 0]
                    rows[way][t] = reset * c + (1 - reset) * highway[t, :, way]
            x = torch.cat([torch.stack(rows[0]), torch.stack(rows[1])], -1)
        return x

    def lstm(self, name, x):
        d, layers = self.v.rnn_hidden, self.v.rnn_layers
        module = torch.nn.LSTM(x.shape[-1], d, layers, bidirectional=True).double()
        weights = {n: self.get(name + n, *w.shape) for n, w in module.named_parameters()}
        return torch.func.functional_call(module, weights, (x,))[0]

    def dual_path(self, name, x, along_bins):
        """x [B, C, T, F]"""
        if along_bins:
            x = x.transpose(2, 3)
        b, c, s, n = x.shape
        gamma, beta = (self.get(name + "norm." + g, 1, c, 1, 1).flatten() for g in ("gamma", "beta"))
        y = F.layer_norm(x.permute(0, 3, 2, 1), (c,), gamma, beta, EPS).reshape(b * n, s, c)
        u = y.unfold(1, self.v.rnn_window, 1).flatten(2)  # [B N, S', C window]
        h = (self.lstm if self.v.lstm else self.sru)(name + "rnn.", u.transpose(0, 1))
        w = self.get(name + "linear.weight", 2 * self.v.rnn_hidden, c, self.v.rnn_window)
        o = F.conv_transpose1d(h.permute(1, 2, 0), w, self.get(name + "linear.bias", c))
        x = x + o.reshape(b, n, c, s).permute(0, 2, 3, 1)
        return x.transpose(2, 3) if along_bins else x

    def frame_unit(self, name, x, out):
        y = self.prelu(name + "act.weight", self.conv(name + "conv.", x, out))
        gamma, beta = (self.get(name + "norm." + g, 1, out, 1, x.shape[3])[0, :, 0] for g in ("gamma", "beta"))
        return F.layer_norm(y.transpose(1, 2), (out, x.shape[3]), gamma, beta, EPS).transpose(1, 2)

    def tf_attention(self, name, x):
        b, c, t, f = x.shape
        heads = range(self.v.heads)
        outs = {"Queries": self.v.attention_channels, "Keys": self.v.attention_channels, "Values": c // self.v.heads}
        q, k, v = (
            torch.stack([self.frame_unit(f"{name}{n}.{h}.", x, o).transpose(1, 2).flatten(2) for h in heads], 1)
            for n, o in outs.items()
        )  # [B, H, T, E]
        if self.v.attend_heads:
            q, k, v = (z.transpose(1, 2) for z in (q, k, v))
        a = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), -1) @ v
        if self.v.attend_heads:
            a = a.transpose(1, 2)
        a = a.reshape(b, self.v.heads, t, -1, f).transpose(2, 3).reshape(b, c, t, f)
        return self.frame_unit(name + "attn_concat_proj.", a, c) + x

    def audio_global(self, name, x):
        x = self.dual_path(name + "0.", x, True)
        x = self.dual_path(name + "1.", x, False)
        return self.tf_attention(name + "2.", x)

    def video_global(self, name, x):
        """x [B, C, T]"""
        b, c, t = x.shape
        m = name + "0.MHSA."
        norm = lambda n, z: F.layer_norm(z, (c,), self.get(n + "weight", c), self.get(n + "bias", c), EPS)
        rate = torch.exp(torch.arange(0, c, 2, dtype=torch.float64) * (-math.log(10000.0) / c))
        at = torch.arange(t, dtype=torch.float64)[:, None] * rate
        y = norm(m + "norm1.", x.transpose(1, 2)) + torch.stack([at.sin(), at.cos()], 2).flatten(1).to(x.dtype)
        z, _ = F.multi_head_attention_forward(
            *[y.transpose(0, 1)] * 3,
            c,
            self.v.video_heads,
            self.get(m + "attention.in_proj_weight", 3 * c, c),
            self.get(m + "attention.in_proj_bias", 3 * c),
            None,
            None,
            False,
            0.0,
            self.get(m + "attention.out_proj.weight", c, c),
            self.get(m + "attention.out_proj.bias", c),
            training=False,
        )
        x = norm(m + "norm2.", z.transpose(0, 1) + y).transpose(1, 2) + x
        f = name + "0.FFN."
        u = self.conv(f + "encoder.full_layer.2.", x, 2 * c, bias=self.v.ffn_bias)
        u = self.item_norm(f + "encoder.full_layer.3.norm.", u)
        u = self.same(f + "refiner.full_layer.2.", u, 2 * c, 3, 1 if self.v.dense else 2 * c, True).relu()
        u = self.conv(f + "decoder.full_layer.2.", u, c, bias=self.v.ffn_bias)
        return self.item_norm(f + "decoder.full_layer.3.norm.", u) + x

    def inject(self, name, local, small, k, batch):
        def unit(n, x):
            y = self.same(f"{name}{n}.full_layer.2.", x, x.shape[1], k, x.shape[1], False)
            return self.block_norm(f"{name}{n}.full_layer.3.", y, batch)

        up = lambda x: F.interpolate(x, size=local.shape[2:], mode="nearest")
        gate, embedding = torch.sigmoid(unit("global_gate", small)), unit("global_embedding", small)
        return unit("local_embedding", local) * up(gate) + up(embedding)

    def block(self, name, x, hidden, k, levels, batch, middle):
        c = x.shape[1]
        res = self.prelu(name + "gateway.full_layer.4.weight", self.conv(name + "gateway.full_layer.2.", x, c, groups=c))
        y = self.conv(name + "projection.full_layer.2.", res, hidden)
        if self.v.projection_norm:
            y = self.block_norm(name + "projection.full_layer.3.", y, batch)
            y = self.prelu(name + "projection.full_layer.4.weight", y)
        d = []
        for i in range(levels):
            q = f"{name}downsample_layers.{i}.full_layer."
            if i == 0:
                y = self.same(q + "2.", y, hidden, k, hidden, True)
            else:
                y = self.conv(q + "2.", y, hidden, (k,) * (y.dim() - 2), hidden, stride=2, padding=(k - 1) // 2)
            y = self.block_norm(q + "3.", y, batch)
            d.append(y)
        pool = F.adaptive_avg_pool2d if x.dim() == 4 else F.adaptive_avg_pool1d
        size = tuple(d[-1].shape[2:])
        g = middle(name + "globalatt.", sum(pool(z, size if len(size) > 1 else size[0]) for z in d))
        f = [self.inject(f"{name}fusion_layers.{i}.", d[i], g, k, batch) for i in range(levels)]
        e = f[-1]
        for i in reversed(range(levels - 1)):
            e = self.inject(f"{name}concat_layers.{i}.", f[i], e, k, batch) + d[i]
        return self.conv(name + "residual_conv.full_layer.2.", e, c) + res

    def fuse(self, a, v):
        b, c, t, _ = a.shape
        scale = lambda n: self.batch_norm(
            f"{FUSION}{n}.full_layer.3.", self.conv(f"{FUSION}{n}.full_layer.2.", a, c, groups=c, bias=False)
        )
        sight = lambda n, o: self.item_norm(
            f"{FUSION}{n}.full_layer.3.norm.", self.conv(f"{FUSION}{n}.full_layer.2.", v, o, groups=c)
        )
        up = lambda z: F.interpolate(z, size=t, mode="nearest")[..., None]
        weights = sight("attention_embed", c * self.v.fusion_heads)
        weights = torch.softmax(weights.reshape(b, c, self.v.fusion_heads, -1).mean(2), -1)
        key = sight("resize", c)
        return scale("key_embed").relu() * up(key) + scale("value_embed") * up(weights)

    def run(self, x, v):
        """x [B, T], v [B S, C, Tv] -> y [B, S, T], spectrum [B S, 2, T, F]"""
        s, c = self.v, self.v.channels
        b, length = x.shape
        faces = v.shape[0] // b
        hop, w = s.window // 2, hann(s.window)
        if s.tail == "padded":
            x = F.pad(x, (0, -length % hop))
        spec = torch.stft(x, s.window, hop, window=w, center=True, pad_mode="reflect", return_complex=True).transpose(1, 2)
        spec = torch.stack([spec.real, spec.imag], 1)
        e = self.conv("encoder.conv.full_layer.2.", spec, c, (3, 3), bias=False, padding=1)
        if s.encoder_act_norm:
            e = self.item_norm("encoder.conv.full_layer.3.norm.", e.relu())
        a0 = self.item_norm("audio_bottleneck.full_layer.0.norm.", e).relu()
        a0 = self.conv("audio_bottleneck.full_layer.2.", a0, c)
        audio = lambda z: self.block(AUDIO, z, s.hidden, s.kernel, s.levels, False, self.audio_global)
        a = audio(a0)
        seen = self.block(VIDEO, v, s.video_hidden, s.video_kernel, s.video_levels, s.video_batch_norm, self.video_global)
        each = lambda z: z.repeat_interleave(faces, 0)
        a = self.fuse(each(a), seen)
        for _ in range(s.passes - 1):
            a = audio(a + each(a0))
        m = self.conv("mask_generator.mask_generator.1.full_layer.2.", self.prelu("mask_generator.mask_generator.0.weight", a), c)
        m, e = torch.relu(m), each(e)
        (m_re, m_im), (e_re, e_im) = m.chunk(2, 1), e.chunk(2, 1)
        z = torch.cat([m_re * e_re - m_im * e_im, m_re * e_im + m_im * e_re], 1)
        bias = self.get("decoder.decoder.bias", 2) if s.decoder_bias else None
        out = F.conv_transpose2d(z, self.get("decoder.decoder.weight", c, 2, 3, 3), bias, padding=1)
        spectrum = torch.complex(out[:, 0], out[:, 1]).transpose(1, 2)
        y = torch.istft(spectrum, s.window, hop, window=w, center=True, length=None if s.tail == "silent" else x.shape[1])
        y = F.pad(y, (0, max(0, length - y.shape[1])))[:, :length]
        return y.reshape(b, faces, length), out


def make(v, seed):
    g = torch.Generator().manual_seed(seed)
    random = lambda *shape: 2 * torch.rand(shape, generator=g, dtype=torch.float64) - 1

    def draw(name, shape):
        leaf, r = name.rsplit(".", 1)[-1], random(*shape)
        if leaf == "running_var":
            return 1 + 0.5 * r
        if leaf == "running_mean":
            return 0.3 * r
        if shape == (1,):  # slope of a PReLU
            p = 0.25 + 0.1 * r
        elif leaf in ("gamma", "weight") and (leaf == "gamma" or len(shape) == 1):
            p = 1 + 0.2 * r
        elif len(shape) == 1 or leaf == "beta":
            p = 0.3 * r
        elif "rnn_lst" in name or "weight_hh" in name or "weight_ih" in name:
            p = 0.8 * r
        else:
            p = r * (3 / math.prod(shape[1:])) ** 0.5
        return p.requires_grad_()

    net = network(v, draw)
    x = (0.5 * random(v.batch, v.length)).requires_grad_()
    faces = random(v.batch * v.faces, v.video_channels, v.video_frames).requires_grad_()
    with torch.no_grad():
        net.run(x, faces)  # makes the parameters
    arrays = {"state/" + n: b.clone() for n, b in net.buffers.items()}
    y, spectrum = net.run(x, faces)
    if v.batch_statistics:
        arrays.update({"after/" + n: b for n, b in net.buffers.items()})
    dy, dspectrum = random(*y.shape), random(*spectrum.shape)
    ((y * dy).sum() + (spectrum * dspectrum).sum()).backward()
    arrays.update({"x": x, "v": faces, "y": y, "dy": dy, "dspectrum": dspectrum, "dx": x.grad, "dv": faces.grad})
    arrays.update({"param/" + n: torch.stack([p, p.grad]) for n, p in net.p.items()})
    return {n: a.detach().numpy() for n, a in arrays.items()}


def write(stem, groups):
    """groups: {variant: {name: array}}"""
    offset = 0
    with open(f"{stem}.bin", "wb") as values, open(f"{stem}.txt", "w") as index:
        for group, arrays in groups.items():
            for name, a in arrays.items():
                index.write(f"{group}/{name} {','.join(map(str, a.shape))} {offset}\n")
                values.write(np.ascontiguousarray(a, "<f8").tobytes())
                offset += a.size


def check(folder):
    """The published paper network: its values are stored in float."""
    golden = np.load(pathlib.Path(folder) / "rtfsnet_golden.npz")
    full = variant(
        window=256,
        channels=256,
        hidden=64,
        passes=4,
        rnn_window=8,
        rnn_hidden=32,
        rnn_layers=4,
        heads=4,
        attention_channels=4,
        video_channels=512,
        video_hidden=64,
        video_heads=8,
        fusion_heads=4,
        tail="exact",
    )
    net = network(full, lambda name, shape: torch.tensor(golden["w/" + name], dtype=torch.float64))
    worst = 0.0
    for case in "ab":
        x, v = (torch.tensor(golden[f"{case}/{n}"], dtype=torch.float64) for n in ("wav", "emb"))
        with torch.no_grad():
            y, _ = net.run(x, v)
        far = float((y - torch.tensor(golden[f"{case}/out"])).abs().max())
        print(f"{case}: output differs by {far:.1e}")
        worst = max(worst, far)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="FOLDER", help="compare with published values instead of writing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.check:
        sys.exit(check(args.check) > 1e-7)
    stem = pathlib.Path(__file__).with_name("rtfsnet")
    write(stem, {name: make(v, 200 + i) for i, (name, v) in enumerate(VARIANTS.items())})


if __name__ == "__main__":
    main()
