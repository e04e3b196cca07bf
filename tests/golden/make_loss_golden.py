"""Values and gradients of the distances in double, by PyTorch: writes loss_golden.txt beside this file.

The formulas are those of op/distance_loss.hpp, written with torch.stft. Signals are made anew by both sides.
"""
import pathlib
import torch

B, S, T = 2, 2, 700


def lcg(seed, n):
    x, out = seed, []
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append(x / 4294967296.0 * 2 - 1)
    return torch.tensor(out, dtype=torch.float64)


def stft(x, window, hop):
    # the window is rounded to float, as in training of the published networks
    hann = torch.hann_window(window, dtype=torch.float64).float().double()
    return torch.stft(x.reshape(-1, T), window, hop, window, hann, center=True, pad_mode="reflect", return_complex=True)


def magnitude(x):
    return torch.sqrt(torch.clamp(x.real**2 + x.imag**2, min=1e-7))


def multi(e, s):
    total = 0
    for window, hop in ((512, 128), (1024, 256), (256, 64)):
        a, b = magnitude(stft(e, window, hop)), magnitude(stft(s, window, hop))
        convergence = ((a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2))).mean()
        total = total + convergence + (a.log() - b.log()).abs().mean()
    return total / 3


def of(f):
    return lambda e, s: f(stft(e, 256, 128), stft(s, 256, 128))


LOSSES = {
    "waveform_l1": lambda e, s: (e - s).abs().mean(),
    "waveform_mse": lambda e, s: ((e - s) ** 2).mean(),
    "complex_spectrum_l1": of(lambda a, b: ((a - b).real.abs() + (a - b).imag.abs()).mean()),
    "complex_spectrum_mse": of(lambda a, b: ((a - b).real ** 2 + (a - b).imag ** 2).mean()),
    "magnitude_l1": of(lambda a, b: (magnitude(a) - magnitude(b)).abs().mean()),
    "magnitude_mse": of(lambda a, b: ((magnitude(a) - magnitude(b)) ** 2).mean()),
    "log_magnitude_l1": of(lambda a, b: (magnitude(a).log() - magnitude(b).log()).abs().mean()),
    "log_magnitude_mse": of(lambda a, b: ((magnitude(a).log() - magnitude(b).log()) ** 2).mean()),
    "multi_resolution_stft": multi,
}

if __name__ == "__main__":
    s = lcg(77, B * S * T).reshape(B, S, T)
    e = (0.6 * s + 0.3 * lcg(78, B * S * T).reshape(B, S, T)).requires_grad_()
    # name, loss, then every 97th number of the gradient
    lines = []
    for name, f in LOSSES.items():
        loss = f(e, s)
        (g,) = torch.autograd.grad(loss, e)
        lines.append(" ".join([name, repr(loss.item())] + [repr(v) for v in g.flatten()[::97].tolist()]))
    pathlib.Path(__file__).with_name("loss_golden.txt").write_text("\n".join(lines) + "\n")
