#!/bin/sh
# Used clusters of exFAT without files: against dump.exfat and fsck.exfat, and by
# a copy that has nothing but the map's clusters; damage.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires mkfs.exfat fsck.exfat dump.exfat
map=$REHOST_B/tests/tools/map-dump
judge=$REHOST_TOP/tests/lib/fsjudge.py

mk() { # SIZE OPTIONS
	rm -f vol
	truncate -s "$1" vol
	shift
	mkfs.exfat "$@" vol >mkfs.out || { cat mkfs.out; fail "mkfs.exfat $*"; }
}
n=0
while read -r size opts; do
	# shellcheck disable=SC2086
	mk "$size" $opts
	"$map" vol >map.out
	grep -q "^region 0 [0-9]* [0-9]* exfat exfat 0 disk" map.out || fail "$opts: $(head -n 5 map.out)"
	"$judge" exfat -s vol map.out || fail "$opts"
	"$judge" apply vol map.out copy
	fsck.exfat -n copy >fsck.out || { cat fsck.out; fail "$opts: the copy is not sound"; }
	n=$((n + 1))
done <<END
4M
3M -c 512 -b 1M
5M -c 512 -b 4K
64M -c 4096 -L LABEL
64M -c 64K -b 8M
64M -c 4096 --pack-bitmap
200M -c 32M
33M -c 1K -b 1M
END
[ $n = 8 ] || fail "$n kinds"

# names, as blkid prints them
LC_ALL=C.UTF-8 mk 64M -L "Größe 1"
"$map" vol >map.out
grep -q "^ident $(blkid -p -s UUID -o value vol) Größe 1\$" map.out || fail "$(grep ident map.out)"

# a large one is mapped from its metadata alone
case "$REHOST_B" in
*/san) ;;
*)
	mk 8T
	"$map" vol >map.out
	[ "$(awk '/^total/ { print $2 }' map.out)" -lt 1000000000 ] || fail "$(tail -n 1 map.out)"
	"$judge" exfat -s vol map.out
	;;
esac

# --- doubt.  Numbers are those of the volume: le32 at a byte, a cluster's byte.
field() { od -An -tu4 -j "$1" -N 4 vol | tr -d ' '; }
put() { # BYTES AT
	# shellcheck disable=SC2059
	printf "$1" | dd of=vol bs=1 seek="$2" conv=notrunc status=none
}
good() { mk 64M -c 4096; fat=$(($(field 80) * 512)); heap=$(($(field 88) * 512)); root=$(field 96); }
root_at() { echo $((heap + (root - 2) * 4096)); }
whole() { # TEXT
	"$map" vol >map.out
	grep -q "^region 0 \([0-9]*\) \1 raw ${2:-exfat} 1 disk" map.out || fail "not whole: $(head map.out)"
	grep -q "^note Taken whole: .*$1" map.out || fail "no '$1' in: $(grep ^note map.out)"
}
# the flags are not part of the checksum
good; put '\004' 106; "$map" vol >map.out
grep -q "^region 0 [0-9]* [0-9]* exfat exfat 0 disk" map.out || fail "$(head map.out)"
grep -q "^note It is marked as having had read or write failures" map.out || fail "$(head map.out)"
good; put '\002' 106; "$map" vol >map.out
grep -q '^note It was not unmounted cleanly: .*directories' map.out || fail "$(head map.out)"
good; put '\001' 106; whole 'TexFAT'
good; put '\002' 110; whole 'TexFAT'
good; put '\001' 300; whole 'the checksum of its boot region'
good; put '\001' $((11 * 512 + 508)); whole 'the checksum of its boot region'
good; truncate -s 32M vol; whole 'but there are only'
good; put '\367' "$fat"; whole "its FAT's first entry"
# the bitmap lies in cluster 2, upper case in 3 and 4, the root in 5
[ "$root" = 5 ] || fail "root in cluster $root"
good; put '\002\000\000\000' $((fat + 8)); whole 'a chain of clusters'
good; put '\000\000\000\000' $((fat + 8)); whole 'a chain of clusters'
good; put '\000\000\000\177' $((fat + 8)); whole 'a chain of clusters'
good; put '\000\000\000\000' $((fat + 20)); whole 'a chain of clusters'
good; put '\005\000\000\000' $((fat + 20)); whole 'a chain of clusters'
for byte in '\016' '\015' '\013' '\007'; do
	good; put "$byte" "$heap"; whole 'calls the bitmap'
done
good; put '\001' $(($(root_at) + 32)); whole 'the entry of its allocation bitmap'
good; put '\001' $(($(root_at) + 33)); whole 'the entry of its allocation bitmap'
good; put '\001' $(($(root_at) + 56)); whole 'the entry of its allocation bitmap'
good; put '\001' $(($(root_at) + 64)); whole 'the entry of its table of upper case'
# entries of files, behind the root's first three: a file (85), its clusters (c0)
entry() { # FLAGS CLUSTER LENGTH ATTRIBUTES
	put "\\205\\001\\000\\000$4" $(($(root_at) + 96))
	put "\\300$1" $(($(root_at) + 128))
	put "$2" $(($(root_at) + 148))
	put "$3" $(($(root_at) + 152))
}
total() { "$map" vol | awk '/^total/ { print $2 }'; }
good; base=$(total)
good; entry '\003' '\100' '\001\100' '\040'
[ "$(total)" = $((base + 20480)) ] || fail "one piece: $(total), $base"
good; entry '\001' '\100' '\001\100' '\040'; whole 'a chain of clusters'
put '\102\000\000\000' $((fat + 256)); put '\377\377\377\377' $((fat + 264))
[ "$(total)" = $((base + 8192)) ] || fail "a chain: $(total), $base"
good; entry '\003' '\100' '\000\000\000\100' '\040'; whole 'a file larger than'
good; entry '\003' '\000\076' '\000\000\000\002' '\040'; whole 'a file in one piece'
# a directory that is its own
good; entry '\003' '\005' '\000\020' '\020'; whole 'belong to two files'
for at in 88 92 108 109; do
	good; put '\377' $at; whole 'where FAT and clusters lie\|sizes of sectors'
done
good; put '\003' 105; whole 'revision 3.00 is not known'
