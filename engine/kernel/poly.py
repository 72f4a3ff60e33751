#!/usr/bin/env python3
"""Fits the polynomials of exp and of the normal distribution's tail, and writes poly_tables.h.

Needs the package mpmath.  Each fit is weighted least squares over Chebyshev nodes (close to
the minimax polynomial), with the coefficients rounded to f32 one by one, lowest first, and
the rest fitted again to what the rounding left."""
import struct
import sys

import mpmath as mp

mp.mp.dps = 50


def f32(x):
    return mp.mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def fit(f, weight, low, high, first, degree, nodes=300):
    """f(z) ~ sum over first <= j <= degree of c[j] z^j, error times weight(z) least."""
    at = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (i + 0.5) / nodes) for i in range(nodes)]
    left = [f(z) for z in at]
    done = []
    for j in range(first, degree + 1):
        a = mp.matrix(nodes, degree + 1 - j)
        b = mp.matrix(nodes, 1)
        for i, z in enumerate(at):
            for m in range(j, degree + 1):
                a[i, m - j] = z**m * weight(z)
            b[i] = left[i] * weight(z)
        c = f32(mp.lu_solve(a, b)[0])
        done.append(c)
        left = [left[i] - c * z**j for i, z in enumerate(at)]
    worst = max(abs(left[i] * weight(z)) for i, z in enumerate(at))
    return done, worst


def row(name, values, text):
    body = ",\n    ".join(float(v).hex() + "f" for v in values)
    return f"/* {text} */\nstatic const float {name}[{len(values)}] = {{\n    {body},\n}};\n"


out = ["/* poly_tables.h - made by engine/kernel/poly.py; coefficients lowest first. */",
       "#ifndef EM_ENGINE_KERNEL_POLY_TABLES_H", "#define EM_ENGINE_KERNEL_POLY_TABLES_H", ""]

# exp(r) = 1 + (r + r^2 q(r)), |r| <= ln 2 / 2
half = mp.log(2) / 2
exp_q, worst = fit(lambda r: (mp.exp(r) - 1 - r) / r**2 if r else mp.mpf(1) / 2,
                   lambda r: r**2 / mp.exp(r), -half, half, 0, 4)
out.append(row("em_poly_exp", exp_q,
               f"(exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2; exp(r) then errs by {mp.nstr(worst, 2)}"))
print("exp", mp.nstr(worst, 3), file=sys.stderr)

# Phi(-t) = exp(-t^2/2) p(z) / (t + 4), z = (t - 4) / (t + 4), 0 <= t <= 13.25
C, LAST = 4, mp.mpf("13.25")


def mills(z):
    t = C * (1 + z) / (1 - z)
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2) * (t + C)


tail, worst = fit(mills, lambda z: 1 / mills(z), mp.mpf(-1), (LAST - C) / (LAST + C), 0, 9)
out.append(row("em_poly_tail", tail,
               f"Phi(-t) exp(t^2/2) (t + 4) in z = (t - 4) / (t + 4), t <= 13.25;\n * relative error {mp.nstr(worst, 2)}"))
print("tail", mp.nstr(worst, 3), file=sys.stderr)
out.append("#endif\n")

with open(sys.argv[1], "w", encoding="ascii") as table:
    table.write("\n".join(out))
