/* poly_tables.h - made by engine/kernel/poly.py; coefficients lowest first. */
#ifndef EM_ENGINE_KERNEL_POLY_TABLES_H
#define EM_ENGINE_KERNEL_POLY_TABLES_H

/* (exp(r) - 1 - r) / r^2 on |r| <= ln 2 / 2; exp(r) then errs by 3.7e-9 */
static const float em_poly_exp[5] = {
    0x1.fffff80000000p-2f,
    0x1.55548e0000000p-3f,
    0x1.555b960000000p-5f,
    0x1.123bcc0000000p-7f,
    0x1.68532c0000000p-10f,
};

/* Phi(-t) exp(t^2/2) (t + 4) in z = (t - 4) / (t + 4), t <= 13.25;
 * relative error 1.8e-8 */
static const float em_poly_tail[10] = {
    0x1.82b4bc0000000p-1f,
    -0x1.373e3a0000000p-1f,
    0x1.8c6d8e0000000p-2f,
    -0x1.7dff900000000p-3f,
    0x1.eed8ec0000000p-5f,
    -0x1.ed7ab40000000p-8f,
    -0x1.cde07a0000000p-9f,
    0x1.9cd78e0000000p-10f,
    0x1.a279300000000p-13f,
    -0x1.ffff380000000p-14f,
};

#endif
