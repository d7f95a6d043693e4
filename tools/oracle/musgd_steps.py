#!/usr/bin/env python3
"""Prints the expected values of tests/unit/optim/test_musgd.c: three steps of MuSGD in float64, in file order.

    tools/oracle/musgd_steps.py

Written from the update rule of the Ultralytics trainer: Muon's orthogonalised momentum at 0.2 of the rate, then SGD with Nesterov
momentum on what that left.
"""
import numpy as np

LR, DECAY, MOMENTA = 0.02, 0.01, (0.8, 0.85, 0.9)


def orthogonalise(g):
    if g.shape[0] > g.shape[1]:
        return orthogonalise(g.T).T
    x = g / (np.linalg.norm(g) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x


def steps(shape):
    n = int(np.prod(shape))
    p = np.cos(0.7 * np.arange(n)).reshape(shape)
    muon, sgd = np.zeros(shape), np.zeros(shape)
    for t, mu in enumerate(MOMENTA):
        g = np.sin(1.3 * np.arange(n) + t).reshape(shape)
        muon = mu * muon + (1 - mu) * g
        u = mu * muon + (1 - mu) * g
        p = p - LR * 0.2 * orthogonalise(u.reshape(shape[0], -1)).reshape(shape)
        g = g + DECAY * p
        sgd = mu * sgd + g
        p = p - LR * (g + mu * sgd)
    return p, muon, sgd


for name, shape in (("tall", (3, 2, 2, 2)), ("wide", (8, 1, 2, 2))):
    for what, values in zip(("", "_muon", "_sgd"), steps(shape)):
        text = ", ".join(f"{v:.9g}" for v in values.ravel())
        print(f"static const double {name}{what}[] = {{{text}}};")
