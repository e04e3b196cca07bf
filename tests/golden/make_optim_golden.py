#!/usr/bin/env python3
"""Writes optim_golden.txt: parameters, losses and rates of PyTorch's optimisers and schedules on a small problem.

Usage: make_optim_golden.py OUTPUT    (made with torch 2.15.0, float64, CPU; no random numbers)

Parameters a [3,4], b [3], unused [5] (never gets a gradient), c [2,3], flat index i over a, b, unused, c:
  p_i(0) = sin(1 + i)      q_i = cos(2 + 3 i)      k_i = 0.5 + (i mod 5)
Loss = sum over a, b, c of k_i (p_i - q_i)^2 / 2 + cos(3 p_i) / 10, plus 2; gradients clipped to the global norm 2.
Step s: loss and gradient, clip, optimiser, then the schedule (plateau: after every 5th step, with the loss as metric).
Each case: a line "case OPTIMISER SCHEDULE", then for steps 1..10, 15, 20, ... a line "step S LOSS NORM LR MOMENTUM" of what was
used in that step, and for steps 1, 10 and 50 a line "after" with all 26 parameters.
Last, ReduceLROnPlateau alone: "plateau MODE THRESHOLD_MODE" and the rate after each of 40 metrics cos(s / 3) 0.97^s + 1.5.
"""
import math
import sys

import torch

SIZES = {"a": (3, 4), "b": (3,), "unused": (5,), "c": (2, 3)}
STEPS = 50


def parameters():
    out, i = {}, 0
    for name, shape in SIZES.items():
        n = math.prod(shape)
        p = torch.tensor([math.sin(1 + k) for k in range(i, i + n)], dtype=torch.float64).reshape(shape)
        out[name] = torch.nn.Parameter(p)
        i += n
    return out


def loss_of(params):
    total, i = 2, 0
    for name, p in params.items():
        index = range(i, i + p.numel())
        i += p.numel()
        if name == "unused":
            continue
        q = torch.tensor([math.cos(2 + 3 * k) for k in index], dtype=torch.float64).reshape(p.shape)
        k = torch.tensor([0.5 + k % 5 for k in index], dtype=torch.float64).reshape(p.shape)
        total = total + (k * (p - q) ** 2 / 2 + torch.cos(3 * p) / 10).sum()
    return total


OPTIMISERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.99), eps=1e-6),
    "adam_l2": lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.2),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.1),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
}


def has_momentum(optimiser):
    return optimiser.defaults.get("momentum", 1) > 0


S = torch.optim.lr_scheduler
SCHEDULES = {
    "constant": lambda o: S.LambdaLR(o, lambda s: 1.0),
    "step": lambda o: S.StepLR(o, step_size=7, gamma=0.6),
    "cosine": lambda o: S.CosineAnnealingLR(o, T_max=15, eta_min=0.002),
    "one_cycle": lambda o: S.OneCycleLR(o, max_lr=0.1, total_steps=STEPS, pct_start=0.1, cycle_momentum=has_momentum(o)),
    "one_cycle_three": lambda o: S.OneCycleLR(
        o, max_lr=0.1, total_steps=STEPS, pct_start=0.25, anneal_strategy="linear", three_phase=True, div_factor=10,
        final_div_factor=100, base_momentum=0.7, max_momentum=0.9, cycle_momentum=has_momentum(o)),
    "plateau": lambda o: S.ReduceLROnPlateau(
        o, factor=0.5, patience=0, threshold=0.2, threshold_mode="rel", cooldown=1, min_lr=0.004),
}


def momentum_of(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def main():
    with open(sys.argv[1], "w") as f:
        for optimiser_name, make_optimiser in OPTIMISERS.items():
            for schedule_name, make_schedule in SCHEDULES.items():
                params = parameters()
                optimiser = make_optimiser(list(params.values()))
                schedule = make_schedule(optimiser)
                f.write(f"case {optimiser_name} {schedule_name}\n")
                for s in range(1, STEPS + 1):
                    optimiser.zero_grad(set_to_none=True)
                    loss = loss_of(params)
                    loss.backward()
                    norm = torch.nn.utils.clip_grad_norm_(params.values(), 2.0)
                    group = optimiser.param_groups[0]
                    if s <= 10 or s % 5 == 0:
                        f.write(f"step {s} {loss.item():.12g} {norm.item():.12g} {group['lr']:.12g} {momentum_of(group):.12g}\n")
                    optimiser.step()
                    if schedule_name != "plateau":
                        schedule.step()
                    elif s % 5 == 0:
                        schedule.step(loss.item())
                    if s in (1, 10, 50):
                        values = [v for p in params.values() for v in p.detach().reshape(-1).tolist()]
                        f.write("after " + " ".join(f"{v:.12g}" for v in values) + "\n")
        for mode in ("min", "max"):
            for threshold_mode in ("rel", "abs"):
                optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
                schedule = S.ReduceLROnPlateau(optimiser, mode=mode, factor=0.7, patience=2, threshold=0.05,
                                               threshold_mode=threshold_mode, cooldown=3, min_lr=0.2)
                f.write(f"plateau {mode} {threshold_mode}")
                for s in range(40):
                    schedule.step(math.cos(s / 3) * 0.97**s + 1.5)
                    f.write(f" {optimiser.param_groups[0]['lr']:.12g}")
                f.write("\n")


if __name__ == "__main__":
    main()
