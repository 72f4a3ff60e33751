#!/bin/bash
# Runs static programs on a processor with AVX-512 that is not there: Bochs (an Ice Lake in software)
# starts a Linux kernel, and that the programs as its only payload.
#   emulate-avx512.sh PROGRAM [ARG...] [-- PROGRAM [ARG...]]...
# Prints what they wrote and exits with the first status that is not 0; exits 77 and says why on standard
# error when the machine lacks what that takes.  The kernel is Debian's, downloaded as a package into a cache outside
# the tree and unpacked there, never installed.  Emulated time is false and there is one processor: judge
# results, never speed.
#   EMULATE_CPU (corei7_icelake_u)  a model that `bochs --help cpu` names
#   EMULATE_SECONDS (600)           real time after which it is given up
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ephemeralml/emulate
bios=/usr/share/bochs/BIOS-bochs-latest vga=/usr/share/bochs/VGABIOS-lgpl-latest
isolinux=/usr/lib/ISOLINUX/isolinux.bin loader=/usr/lib/syslinux/modules/bios/ldlinux.c32
without() { echo "$*" >&2; exit 77; }

for f in $bios $vga $isolinux $loader /bin/busybox; do [ -e $f ] || without "no $f: mk/deps.sh --install bochs"; done
for c in bochs xorriso cpio; do command -v $c > /dev/null || without "no $c: mk/deps.sh --install bochs"; done

# the newest kernel in the cache, or the one that Debian's package of packages names today
newest() { ls -t "$cache"/vmlinuz-* 2>/dev/null | head -1; }
fetch() {
    local name dir
    name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" {print $2; exit}')
    [ -n "$name" ] || return 1
    dir=$(mktemp -d "$cache/fetch.XXXXXX") || return 1
    if (cd "$dir" && timeout 300 apt-get -qq download "$name" && dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards './boot/vmlinuz-*') > "$dir/log" 2>&1; then
        mv "$dir"/boot/vmlinuz-* "$cache/"
    fi
    rm -rf "$dir"
    [ -n "$(newest)" ]
}
mkdir -p "$cache"
if [ -z "$(newest)" ]; then
    fetch || { [ "$(id -u)" = 0 ] && apt-get -qq update > /dev/null 2>&1 && fetch; } ||
        without 'the Linux kernel package linux-image-cloud-amd64 could not be downloaded'
fi
kernel=$(newest)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/proc" "$work/root/dev" "$work/disc/isolinux"
cp /bin/busybox "$work/root/busybox"
n=0 first=yes
for word in "$@"; do
    if [ "$word" = -- ]; then
        echo ' || exit' >> "$work/root/commands" && first=yes
    elif [ -n "$first" ]; then
        n=$((n + 1)) first=
        cp "$word" "$work/root/program$n"
        printf '/program%d' $n >> "$work/root/commands"
    else
        printf ' %q' "$word" >> "$work/root/commands"
    fi
done
cat > "$work/root/init" <<'INIT'
#!/busybox sh
/busybox mount -t proc none /proc
/busybox mount -t devtmpfs none /dev
echo "=== started"
/busybox sh /commands < /dev/null 2>&1
echo "=== status $?"
/busybox poweroff -f
INIT
chmod 755 "$work/root/init"
(cd "$work/root" && find . | cpio --quiet -o -H newc) > "$work/disc/initrd"
cp "$kernel" "$work/disc/vmlinuz"
cp $isolinux $loader "$work/disc/isolinux/"
# Bochs 2.7 tells a wrong size of the state that XSAVES keeps and has FSRM without ERMS: the kernel is
# told to do without those (clearcpuid); the rest saves time
cat > "$work/disc/isolinux/isolinux.cfg" <<'CFG'
default emulate
prompt 0
label emulate
  kernel /vmlinuz
  append initrd=/initrd console=ttyS0,115200 quiet panic=-1 nosmp nokaslr mitigations=off no_timer_check clearcpuid=321,323,515,580 cryptomgr.notests initcall_blacklist=crypto_algapi_init,load_system_certificate_list
CFG
xorriso -as mkisofs -quiet -o "$work/disc.iso" -b isolinux/isolinux.bin -c isolinux/catalogue -no-emul-boot \
    -boot-load-size 4 -boot-info-table "$work/disc" 2> "$work/xorriso.log" || { cat "$work/xorriso.log" >&2; without 'no boot disc'; }

cat > "$work/bochsrc" <<RC
config_interface: textconfig
display_library: term
romimage: file=$bios
vgaromimage: file=$vga
cpu: model=${EMULATE_CPU:-corei7_icelake_u}, count=1, ips=4000000, reset_on_triple_fault=0
memory: guest=256, host=256
clock: sync=none, time0=local
ata0: enabled=1
ata0-master: type=cdrom, path=$work/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
RC
echo c > "$work/go" # Debian's has a debugger, which waits to be told
: > "$work/serial"
# its own exit code is 1 after a clean power-off too: the serial line decides
# (its display wants a terminal: `script` is one, and opens no port as the other display does)
(cd "$work" && TERM=vt100 timeout "${EMULATE_SECONDS:-600}" script -qc 'stty rows 50 cols 132; exec bochs -q -f bochsrc -rc go' /dev/null) < /dev/null > "$work/bochs.out" 2>&1 || true
tr -d '\r' < "$work/serial" > "$work/text"
sed -n '/^=== started$/,/^=== status /p' "$work/text" | grep -v '^=== st' || true
status=$(sed -n 's/^=== status //p' "$work/text")
if [ -z "$status" ]; then
    echo "Bochs came to no end; what it said last:" >&2
    tail -n 5 "$work/text" "$work/bochs.out" "$work/log" >&2
    exit 99
fi
exit "$status"
