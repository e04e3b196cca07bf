"""Makes the weights files that tests/io reads: python make_weights_golden.py [FOLDER]. Needs torch and numpy.

All numbers come from a formula (below), so the tests can compute what a file must hold. Made with torch 2.15, numpy 2.4.
Legacy PyTorch files name their storages by address, so those differ from run to run in these names only.
"""
import collections
import json
import os
import pickle
import struct
import sys
import types
import zipfile
import zlib

import numpy as np
import torch

out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights")


def path(name):
    return os.path.join(out, name)


def formula(key, shape):
    """v[i] = ((i * 37 + crc32(key)) mod 256 - 128) / 64: exact in every float type."""
    n = int(np.prod(shape, dtype=np.int64)) if shape else 1
    v = ((np.arange(n, dtype=np.int64) * 37 + zlib.crc32(key.encode())) % 256 - 128) / 64.0
    return v.reshape(shape)


def tensor(key, *shape, dtype=torch.float32):
    return torch.tensor(formula(key, shape)).to(dtype)


# What a class from a package that is not installed looks like in a file.
def fake(module, name, bases=(object,), **members):
    parts = module.split(".")
    for i in range(len(parts)):
        sys.modules.setdefault(".".join(parts[: i + 1]), types.ModuleType(".".join(parts[: i + 1])))
    cls = type(name, bases, {"__module__": module, **members})
    setattr(sys.modules[module], name, cls)
    return cls


DictConfig = fake("omegaconf.dictconfig", "DictConfig")
ListConfig = fake("omegaconf.listconfig", "ListConfig")
AnyNode = fake("omegaconf.nodes", "AnyNode")
Metadata = fake("omegaconf.base", "ContainerMetadata")
Scheduler = fake("somewhere.schedule", "Scheduler")
Attributes = fake("pytorch_lightning.utilities.parsing", "AttributeDict", (dict,))


def config(tree, parent=None, key=None):
    """Cyclic, as OmegaConf's own: every child knows its parent."""
    node = {dict: DictConfig, list: ListConfig}.get(type(tree), AnyNode)()
    node._metadata = Metadata()
    node._metadata.__dict__.update(key=key, optional=True, flags={}, resolver_cache=collections.defaultdict(dict))
    node._parent = parent
    if isinstance(tree, dict):
        node._content = {k: config(v, node, k) for k, v in tree.items()}
    elif isinstance(tree, list):
        node._content = [config(v, node, i) for i, v in enumerate(tree)]
    else:
        node._val = tree
    return node


def checkpoint():
    """A trainer's file: views, shared storages, all element types, cyclic objects."""
    flat = torch.tensor(formula("flat", (24,))).to(torch.float32)
    state = collections.OrderedDict()
    state["rnn.first"] = flat[0:6].view(2, 3)
    state["rnn.second"] = flat[6:18].view(4, 3)
    state["turned"] = flat[0:24].view(4, 6).t()
    state["strided"] = flat[1::2]
    state["repeated"] = flat[3:5].view(2, 1).expand(2, 3)
    state["cube"] = tensor("cube", 2, 3, 4).permute(2, 0, 1)
    for name, dtype in dict(f64=torch.float64, f16=torch.float16, bf16=torch.bfloat16, i64=torch.int64, i32=torch.int32,
                            i16=torch.int16, i8=torch.int8).items():
        state["types." + name] = tensor("types." + name, 5, dtype=dtype)
    state["types.u8"] = torch.tensor(formula("types.u8", (5,)) + 2).to(torch.uint8)
    state["types.boolean"] = torch.tensor([True, False, True])
    state["norm.num_batches_tracked"] = torch.tensor(41)
    state["scalar"] = torch.tensor(-1.5)
    state["empty"] = torch.zeros(3, 0)
    state["parameter"] = torch.nn.Parameter(tensor("parameter", 2, 2))
    state["tied"] = state["parameter"]
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    schedule = Scheduler()
    schedule.me, schedule.parameters = schedule, list(state.values())[:3]
    settings = Attributes(n_src=2)
    return {
        "arch": "TinyNet",
        "epoch": 7,
        "state_dict": state,
        "optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": tensor("exp_avg", 2, 3)}},
                      "param_groups": [{"lr": 5e-5, "betas": (0.9, 0.999), "amsgrad": False, "params": [0, 1]}]},
        "lr_scheduler": schedule,
        "hyper_parameters": settings,
        "monitor_best": -float("inf"),
        "large": 1 << 40,
        "huge": 1 << 80,
        "negative": -70000,
        "none": None,
        "blob": b"\x00\xff",
        "labels": {"a", },
        "config": config({"model": {"_target_": "TinyNet", "dims": [8, 16, [True, None]]}, "lr": 1e-3, "seed": 1}),
    }


def small_state():
    return collections.OrderedDict([("module.a.weight", tensor("a.weight", 3, 2)), ("module.a.bias", tensor("a.bias", 3)),
                                    ("module.count", torch.tensor(5))])


torch.save(checkpoint(), path("checkpoint.pth"))
torch.save(checkpoint(), path("checkpoint_legacy.pth"), _use_new_zipfile_serialization=False)
torch.save(checkpoint(), path("checkpoint_protocol4.pth"), pickle_protocol=4)
torch.save({"epoch": 3, "model_state_dict": small_state()}, path("state_bare_numbers.pth"))
torch.save(small_state(), path("state_bare.pth"))
torch.save(tensor("bare", 4, 3)[1:3], path("tensor_bare.pt"))


class Attack:
    def __reduce__(self):
        return os.system, ("touch avss_was_here",)


torch.save({"state_dict": small_state(), "extra": Attack()}, path("attack_system.pth"))

torch.save({"plain": tensor("plain", 2), "complex": torch.zeros(2, dtype=torch.complex64)}, path("state_complex.pth"))

# ---- npz ----
arrays = {"b1": np.array([True, False]), "u1": formula("u1", (2, 3)).astype("u1"), "i1": formula("i1", (4,)).astype("i1"),
          "i2": formula("i2", (4,)).astype("<i2"), "i4": formula("i4", (4,)).astype("<i4"),
          "i8": formula("i8", (4,)).astype("<i8"), "f2": formula("f2", (2, 2)).astype("<f2"),
          "f4": formula("f4", (2, 3, 4)).astype("<f4"), "f8": formula("f8", (3,)).astype("<f8"),
          "big": formula("big", (2, 3)).astype(">f4"), "columns": np.asfortranarray(formula("columns", (2, 3, 4)).astype("<f4")),
          "scalar": np.array(2.5), "empty": np.zeros((0, 3), "<f4")}
np.savez(path("stored.npz"), **arrays)
np.savez_compressed(path("deflated.npz"), **arrays, zeros=np.zeros((64, 64), "u1"))
np.savez(path("objects.npz"), data=np.array([{"a": 1}, None], dtype=object))
np.save(path("single.npy"), formula("single", (3, 2)))
with open(path("version2.npy"), "wb") as f:
    np.lib.format.write_array(f, formula("version2", (2, 2)).astype("<f4"), version=(2, 0))
with open(path("version3.npy"), "wb") as f:
    np.lib.format.write_array(f, formula("version3", (2, 2)).astype("<f4"), version=(3, 0))


# ---- zip with data descriptors, written to what cannot seek ----
class Pipe:
    def __init__(self, f):
        self.f = f

    def write(self, b):
        return self.f.write(b)

    def flush(self):
        self.f.flush()


with open(path("streamed.zip"), "wb") as f, zipfile.ZipFile(Pipe(f), "w", zipfile.ZIP_DEFLATED) as z:
    escape = zipfile.ZipInfo("../../escape.txt")
    escape.compress_type = zipfile.ZIP_DEFLATED
    z.writestr(escape, b"only a name " * 20)
    z.writestr(zipfile.ZipInfo("plain.txt"), b"stored")
    z.comment = b"a comment PK\x05\x06 inside"

# ---- safetensors, by hand: the format is three lines ----
entries = {"f32": ("F32", "<f4", (2, 3)), "i64": ("I64", "<i8", ()), "f16": ("F16", "<f2", (3,)), "u8": ("U8", "u1", (2,)),
           "nothing": ("F32", "<f4", (0, 4))}
header, body = {"__metadata__": {"format": "pt", "note": "caf\u00e9 \"quoted\""}}, b""
for key, (code, dtype, shape) in entries.items():
    raw = np.abs(formula(key, shape)).astype(dtype).tobytes()
    header[key] = {"dtype": code, "shape": list(shape), "data_offsets": [len(body), len(body) + len(raw)]}
    body += raw
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(path("small.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + body)

# ---- Conv-TasNet in every published layout: N=4 L=4 B=3 Sc=3 H=5 P=3 X=2 R=2 C=2, keyed by canonical names ----
N, L, B, H, P, X, R, C = 4, 4, 3, 5, 3, 2, 2, 2


def asteroid(causal):
    s = collections.OrderedDict()
    put = lambda name, key, *shape: s.__setitem__(name, tensor(key, *shape))  # noqa: E731
    put("encoder.filterbank._filters", "encoder.weight", N, 1, L)
    put("masker.bottleneck.0.gamma", "mask_generator.input_norm.weight", N)
    put("masker.bottleneck.0.beta", "mask_generator.input_norm.bias", N)
    put("masker.bottleneck.1.weight", "mask_generator.input_conv.weight", B, N, 1)
    put("masker.bottleneck.1.bias", "mask_generator.input_conv.bias", B)
    for i in range(X * R):
        t, o = f"masker.TCN.{i}.", f"mask_generator.conv_layers.{i}."
        depthwise = "shared_block.3.0." if causal else "shared_block.3."
        put(t + "shared_block.0.weight", o + "conv_layers.0.weight", H, B, 1)
        put(t + "shared_block.0.bias", o + "conv_layers.0.bias", H)
        put(t + "shared_block.1.weight", o + "conv_layers.1.weight", 1)
        put(t + "shared_block.2.gamma", o + "conv_layers.2.weight", H)
        put(t + "shared_block.2.beta", o + "conv_layers.2.bias", H)
        put(t + depthwise + "weight", o + "conv_layers.3.weight", H, 1, P)
        put(t + depthwise + "bias", o + "conv_layers.3.bias", H)
        put(t + "shared_block.4.weight", o + "conv_layers.4.weight", 1)
        put(t + "shared_block.5.gamma", o + "conv_layers.5.weight", H)
        put(t + "shared_block.5.beta", o + "conv_layers.5.bias", H)
        put(t + "res_conv.weight", o + "res_out.weight", B, H, 1)
        put(t + "res_conv.bias", o + "res_out.bias", B)
        put(t + "skip_conv.weight", o + "skip_out.weight", B, H, 1)
        put(t + "skip_conv.bias", o + "skip_out.bias", B)
    put("masker.mask_net.0.weight", "mask_generator.output_prelu.weight", 1)
    put("masker.mask_net.1.weight", "mask_generator.output_conv.weight", C * N, B, 1)
    put("masker.mask_net.1.bias", "mask_generator.output_conv.bias", C * N)
    put("decoder.filterbank._filters", "decoder.weight", N, 1, L)
    return {"model_name": "ConvTasNet", "state_dict": s,
            "model_args": {"n_filters": N, "kernel_size": L, "n_src": C, "norm_type": "cLN" if causal else "gLN",
                           "mask_act": "relu", "causal": causal, "sample_rate": 8000}}


def kaituoxu(causal):
    s = collections.OrderedDict()
    put = lambda name, value: s.__setitem__(name, value.contiguous())  # noqa: E731
    gain = lambda key, n: tensor(key, n).view(1, n, 1)  # noqa: E731
    put("encoder.conv1d_U.weight", tensor("encoder.weight", N, 1, L))
    put("separator.network.0.gamma", gain("mask_generator.input_norm.weight", N))
    put("separator.network.0.beta", gain("mask_generator.input_norm.bias", N))
    put("separator.network.1.weight", tensor("mask_generator.input_conv.weight", B, N, 1))
    for i in range(X * R):
        t, o = f"separator.network.2.{i // X}.{i % X}.net.", f"mask_generator.conv_layers.{i}."
        k = (0, 2, 3, 4) if causal else (0, 1, 2, 3)
        put(t + "0.weight", tensor(o + "conv_layers.0.weight", H, B, 1))
        put(t + "1.weight", tensor(o + "conv_layers.1.weight", 1))
        put(t + "2.gamma", gain(o + "conv_layers.2.weight", H))
        put(t + "2.beta", gain(o + "conv_layers.2.bias", H))
        put(t + f"3.net.{k[0]}.weight", tensor(o + "conv_layers.3.weight", H, 1, P))
        put(t + f"3.net.{k[1]}.weight", tensor(o + "conv_layers.4.weight", 1))
        put(t + f"3.net.{k[2]}.gamma", gain(o + "conv_layers.5.weight", H))
        put(t + f"3.net.{k[2]}.beta", gain(o + "conv_layers.5.bias", H))
        put(t + f"3.net.{k[3]}.weight", tensor(o + "res_out.weight", B, H, 1))
    put("separator.network.3.weight", tensor("mask_generator.output_conv.weight", C * N, B, 1))
    put("decoder.basis_signals.weight", tensor("decoder.weight", N, 1, L)[:, 0, :].t())
    return {"N": N, "L": L, "B": B, "H": H, "P": P, "X": X, "R": R, "C": C, "norm_type": "gLN", "causal": causal,
            "mask_nonlinear": "relu", "state_dict": s, "optim_dict": {}, "epoch": 2}


def reference():
    s = collections.OrderedDict()
    put = lambda name, key, *shape: s.__setitem__(name, tensor(key, *shape))  # noqa: E731
    put("encoder.weight", "encoder.weight", N, 1, L)
    put("encoder.bias", "encoder.bias", N)
    for part, shape in (("weight", (N,)), ("bias", (N,))):
        put("tcn_module.layer_norm." + part, "mask_generator.input_norm." + part, *shape)
    put("tcn_module.bottleneck.weight", "mask_generator.input_conv.weight", B, N, 1)
    put("tcn_module.bottleneck.bias", "mask_generator.input_conv.bias", B)
    for i in range(X * R):
        t, o = f"tcn_module.tcn.{i}.", f"mask_generator.conv_layers.{i}."
        for j, shape in ((0, (H, B, 1)), (1, (1,)), (2, (H,)), (3, (H, 1, P)), (4, (1,)), (5, (H,))):
            put(f"{t}common_part.{j}.weight", f"{o}conv_layers.{j}.weight", *shape)
            if j not in (1, 4):
                put(f"{t}common_part.{j}.bias", f"{o}conv_layers.{j}.bias", H)
        for end in ("res_out", "skip_out"):
            put(f"{t}{end}.weight", f"{o}{end}.weight", B, H, 1)
            put(f"{t}{end}.bias", f"{o}{end}.bias", B)
    put("tcn_module.output.0.weight", "mask_generator.output_prelu.weight", 1)
    put("tcn_module.output.1.weight", "mask_generator.output_conv.weight", C * N, B, 1)
    put("tcn_module.output.1.bias", "mask_generator.output_conv.bias", C * N)
    put("decoder.weight", "decoder.weight", N, 1, L)
    put("decoder.bias", "decoder.bias", 1)
    return {"arch": "ConvTasNet", "epoch": 1, "state_dict": s}


torch.save(asteroid(False), path("convtasnet_asteroid.pth"))
torch.save(asteroid(True), path("convtasnet_asteroid_causal.pth"), _use_new_zipfile_serialization=False)
torch.save(kaituoxu(False), path("convtasnet_kaituoxu.pth"), _use_new_zipfile_serialization=False)
torch.save(kaituoxu(True), path("convtasnet_kaituoxu_causal.pth"), _use_new_zipfile_serialization=False)
torch.save(reference(), path("convtasnet_reference.pth"), _use_new_zipfile_serialization=False)
