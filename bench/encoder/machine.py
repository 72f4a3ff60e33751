"""What machine this is, and how busy."""
import os
import platform

TOLD = ("avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_int8",
        "asimd", "asimddp", "bf16", "i8mm")


def described():
    cpu = {}
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            key, _, value = line.partition(":")
            cpu.setdefault(key.strip(), value.strip())
    has = set((cpu.get("flags") or cpu.get("Features") or "").split())
    return {"processor": cpu.get("model name", platform.machine()),
            "family": f"{cpu.get('cpu family', '?')}/{cpu.get('model', '?')}/{cpu.get('stepping', '?')}",
            "flags": [flag for flag in TOLD if flag in has], "all_flags": sorted(has),
            "processors": len(os.sched_getaffinity(0)), "kernel": platform.release(), "load": os.getloadavg()}


def load():
    return " ".join(f"{x:.2f}" for x in os.getloadavg())
