#!/bin/sh
# make-corpus.sh INITRDTOOL: writes corpus/ anew: a tiny system in every
# compression, archives one behind the other, damaged ones.  Its results are in
# the repository; run it when a seed is to be added.
set -eu
tool=$(readlink -f "$1")
out=$(cd "$(dirname "$0")" && pwd)/corpus
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
mkdir -p t/usr/lib/modules/6.1/kernel t/scripts t/conf early/kernel/x86/microcode add/usr/lib
ln -s usr/lib t/lib
echo '#!/bin/sh' > t/init
echo . > t/scripts/functions
: > t/conf/initramfs.conf
head -c 300 /dev/zero > t/usr/lib/modules/6.1/kernel/a.ko
ln t/init t/init2
echo microcode > early/kernel/x86/microcode/GenuineIntel.bin
echo more > add/usr/lib/more
(cd t && find . | sort | cpio -o -H newc --quiet --reproducible) > none
(cd t && find . | sort | cpio -o -H crc --quiet --reproducible) > crc
(cd early && find . | sort | cpio -o -H newc --quiet --reproducible) > first
gzip -9nc none > gzip
xz --check=crc32 -c none > xz
lzma -c none > lzma
bzip2 -c none > bzip2
zstd -q -19 -c none > zstd
lz4 -q -l -9 -c none > lz4
lzop -c none > lzo 2>/dev/null || printf '\211LZO\0\r\n\032\n' > lzo
lz4 -q -c none > lz4-frames
(cd t && find . | cpio -o -H odc --quiet) > odc
for c in none gzip xz lzma bzip2 zstd lz4; do
	cat first "$c" > "early-$c"
	"$tool" append "early-$c" add 5.10
done
cp lz4 lz4-then; "$tool" append lz4-then add 6.1
cat gzip gzip > twice
head -c 300 none > cut-none
head -c 150 gzip > cut-gzip
{ cat gzip; echo garbage; } > garbage
# one member ends inside an entry
{ head -c 500 none | gzip -9n; tail -c +501 none | gzip -9n; } > two-members
head -c 4096 /dev/zero | gzip -9n > zeros-gzip
for f in none crc gzip xz lzma bzip2 zstd lz4 lzo lz4-frames odc early-* lz4-then twice cut-* \
	garbage two-members zeros-gzip; do
	cp "$f" "$out/$f"
done
