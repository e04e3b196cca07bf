"""Makes networks like DNSMOS's, with few channels and random weights, and their scores: python make_dnsmos_golden.py [FOLDER].

dnsmos/sig_bak_ovr.onnx is written as torch.onnx writes such a network (Gemm, GlobalMaxPool), with its spectrum as two matrices
of 161 x 320; dnsmos/model_v8.onnx as tf2onnx does (MatMul and Add, ReduceMax, Transpose). dnsmos_golden.txt has what
onnxruntime says of the signals that tests/metric/dnsmos_test.cc makes, through the code of dnsmos_local.py of
github.com/microsoft/DNS-Challenge as it is described in its papers, and librosa's mel spectrogram; and, behind these, what
numpy makes of sig_bak_ovr.onnx in double: onnxruntime computes in float, of which the logarithms of bins with almost no power
keep few digits. Needs onnx, onnxruntime,
librosa, numpy; made with onnx 1.23.2, onnxruntime 1.32.0, librosa 0.11.0.
"""
import os
import sys

import librosa
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

here = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
os.makedirs(os.path.join(here, "dnsmos"), exist_ok=True)
RATE, FRAMES, BINS, SEGMENT = 16000, 900, 161, 144160
generator = np.random.default_rng(12)


def uniform(*shape):
    bound = 0.8 * np.sqrt(3.0 / max(1, np.prod(shape[1:])))
    return generator.uniform(-bound, 1.3 * bound, shape).astype(np.float32)


class graph:
    def __init__(self):
        self.nodes, self.tensors, self.last = [], [], "input"

    def constant(self, name, value):
        self.tensors.append(numpy_helper.from_array(value, name))
        return name

    def add(self, op, *inputs, **attributes):
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs) or [self.last], [name], **attributes))
        self.last = name
        return name

    def conv(self, to, of):
        n = len(self.tensors)
        w, b = self.constant(f"w{n}", uniform(to, of, 3, 3)), self.constant(f"b{n}", 0.1 * uniform(to))
        self.add("Conv", self.last, w, b, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], dilations=[1, 1], group=1)
        self.add("Relu")

    def pool(self):
        self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def save(self, name, shape, out):
        value = helper.make_tensor_value_info
        g = helper.make_graph(self.nodes, "net", [value("input", TensorProto.FLOAT, shape)],
                              [value(self.last, TensorProto.FLOAT, [1, out])], self.tensors)
        model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        path = os.path.join(here, "dnsmos", name)
        onnx.save(model, path)
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


# As torch.onnx: frames in, [1, 900, 320].
k, i = np.arange(BINS)[:, None], np.arange(320)[None]
window = 0.5 - 0.5 * np.cos(2 * np.pi * i / 320)
real, imaginary = window * np.cos(2 * np.pi * k * i / 320), window * np.sin(2 * np.pi * k * i / 320)
real[5] *= 1.25  # learned: no exact transform
g = graph()
squares = []
for name, m in (("real", real.T), ("imaginary", imaginary.T)):
    g.constant(name, m.astype(np.float16))
    g.add("MatMul", "input", g.add("Cast", name, to=TensorProto.FLOAT))
    squares.append(g.add("Mul", g.last, g.last))
g.add("Add", *squares)
g.add("Max", g.last, g.constant("floor", np.array([1e-12], np.float32)))
g.add("Log")
g.add("Mul", g.last, g.constant("to_decades", np.array([1 / np.log(10)], np.float32)))
g.add("Unsqueeze", g.last, g.constant("axes", np.array([1], np.int64)))
g.conv(3, 1), g.conv(4, 3), g.pool(), g.conv(4, 4), g.pool(), g.conv(3, 4), g.pool(), g.conv(6, 3)
g.add("GlobalMaxPool")
g.add("Flatten", axis=1)
for to, of, relu in ((5, 6, True), (4, 5, True), (3, 4, False)):
    n = len(g.tensors)
    g.add("Gemm", g.last, g.constant(f"d{n}", uniform(to, of)), g.constant(f"e{n}", uniform(to)), transB=1)
    if relu:
        g.add("Relu")
p835 = g.save("sig_bak_ovr.onnx", [1, FRAMES, 320], 3)

# As tf2onnx: mels in, [1, 900, 120].
g = graph()
g.add("Unsqueeze", g.last, g.constant("axes", np.array([3], np.int64)))
g.add("Transpose", perm=[0, 3, 1, 2])
g.conv(4, 1), g.pool(), g.conv(3, 4), g.pool(), g.conv(4, 3), g.conv(4, 4), g.pool(), g.conv(5, 4)
g.add("ReduceMax", axes=[2, 3], keepdims=0)
for to, of, relu in ((4, 5, True), (3, 4, True), (1, 3, False)):
    n = len(g.tensors)
    g.add("MatMul", g.last, g.constant(f"d{n}", uniform(of, to)))
    g.add("Add", g.last, g.constant(f"e{n}", uniform(to)))
    if relu:
        g.add("Relu")
p808 = g.save("model_v8.onnx", [1, FRAMES, 120], 1)


def mels(x):
    s = librosa.feature.melspectrogram(y=x, sr=RATE, n_fft=321, hop_length=160, n_mels=120)
    return ((librosa.power_to_db(s, ref=np.max) + 40) / 40).T.astype(np.float32)


def in_double(frames):
    """sig_bak_ovr.onnx, node by node, [900, 320] to 3."""
    g = onnx.load(os.path.join(here, "dnsmos", "sig_bak_ovr.onnx")).graph
    t = {v.name: numpy_helper.to_array(v).astype(np.float64) for v in g.initializer}
    power = (frames.astype(np.float64) @ t["real"]) ** 2 + (frames.astype(np.float64) @ t["imaginary"]) ** 2
    y = np.log10(np.maximum(power, 1e-12))[None]
    for node in g.node:
        if node.op_type == "Conv":
            padded = np.pad(y, ((0, 0), (1, 1), (1, 1)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
            y = np.einsum("chwij,ocij->ohw", windows, t[node.input[1]], optimize=True) + t[node.input[2]][:, None, None]
        elif node.op_type == "Relu":
            y = np.maximum(y, 0)
        elif node.op_type == "MaxPool":
            c, h, w = y.shape[0], y.shape[1] // 2, y.shape[2] // 2
            y = y[:, :2 * h, :2 * w].reshape(c, h, 2, w, 2).max((2, 4))
        elif node.op_type == "GlobalMaxPool":
            y = y.max((1, 2))
        elif node.op_type == "Gemm":
            y = t[node.input[1]] @ y + t[node.input[2]]
    return y


def opinions(s, b, o):
    return [np.poly1d([-0.08397278, 1.22083953, 0.0052439])(s), np.poly1d([-0.13166888, 1.60915514, -0.39604546])(b),
            np.poly1d([-0.06766283, 1.11546468, 0.04602535])(o)]


def scores(x):
    while len(x) < SEGMENT:
        x = np.append(x, x)
    all = []
    for n in range(int(np.floor(len(x) / RATE) - 9.01) + 1):
        part = x[int(n * RATE):int((n + 9.01) * RATE)]
        if len(part) < SEGMENT:
            continue
        frames = np.stack([part[t * 160:t * 160 + 320] for t in range(FRAMES)])[None]
        s, b, o = p835.run(None, {"input": frames})[0][0].astype(float)
        p = p808.run(None, {"input": mels(part[:-160])[None]})[0][0][0]
        all.append(opinions(s, b, o) + [p] + opinions(*in_double(frames[0])))
    return np.mean(all, axis=0)


def signal(samples, pitch, level):
    """Exact in float32 in any language: whole numbers over powers of two."""
    n = np.arange(samples, dtype=np.int64)
    saw = (n * pitch % 1000 - 500) / 1024
    hiss = ((n * n * 7919 + n * 104729) % 65536 - 32768) / 65536
    beat = (n // 1600 % 5) / 4
    return (level * (saw * beat + hiss / 8)).astype(np.float32)


with open(os.path.join(here, "dnsmos_golden.txt"), "w") as f:
    f.write("# samples pitch level sig bak ovrl p808, and the first three in double, by make_dnsmos_golden.py\n")
    for samples, pitch, level in ((SEGMENT, 13, 0.5), (48000, 7, 0.25), (200000, 29, 1.0)):
        f.write(f"{samples} {pitch} {level} " + " ".join(f"{v:.9g}" for v in scores(signal(samples, pitch, level))) + "\n")
