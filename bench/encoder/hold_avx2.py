"""hold_avx2.py FILE COPY: a copy of a program or library whose CPUID instructions trap.

hold_avx2.c, preloaded, answers those traps as a processor without AVX-512 would.  objdump says
where the instructions are: a search for their bytes would find them inside others."""
import struct
import subprocess
import sys

CPUID, TRAP = b"\x0f\xa2", b"\x0f\x0b"


def segments(elf):
    """(address, length, offset) of what is loaded from an ELF64 file."""
    at, size, n = struct.unpack_from("<Q", elf, 32)[0], *struct.unpack_from("<HH", elf, 54)
    for i in range(n):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", elf, at + i * size)
        if kind == 1:
            yield address, length, offset


def addresses(path):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    for line in listing.splitlines():
        words = line.split()
        if len(words) == 2 and words[1] == "cpuid":
            yield int(words[0].rstrip(":"), 16)


def main():
    with open(sys.argv[1], "rb") as f:
        elf = bytearray(f.read())
    loaded, n = list(segments(elf)), 0
    for address in addresses(sys.argv[1]):
        for first, length, offset in loaded:
            if first <= address < first + length:
                place = offset + address - first
                assert elf[place:place + 2] == CPUID
                elf[place:place + 2] = TRAP
                n += 1
    with open(sys.argv[2], "wb") as f:
        f.write(elf)
    print(f"{n} instructions", file=sys.stderr)


if __name__ == "__main__":
    main()
