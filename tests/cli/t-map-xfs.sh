#!/bin/sh
# Used blocks of XFS of many kinds, filled by mkfs.xfs: against xfs_db, and by a
# copy that has nothing but the map's blocks, which xfs_repair must find sound.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/xfs.sh"
map=$REHOST_B/tests/tools/map-dump
requires xfs_admin
n=0
while read -r size opts; do
	n=$((n + 1))
	# shellcheck disable=SC2086
	mk "$size" $opts
	judged fs "$opts"
done <<END
64M -m crc=0 -b size=512 -d agcount=2
64M -m crc=0 -b size=1024 -l version=1 -d agcount=3
64M -m crc=0,finobt=0 -l lazy-count=0 -n ftype=0
64M -b size=1024 -d agcount=4
64M -b size=2048 -m rmapbt=1,reflink=1 -d agcount=2
64M -m rmapbt=0,reflink=0,finobt=0,inobtcount=0,bigtime=0
64M -m reflink=1,bigtime=1,inobtcount=1,rmapbt=1 -i nrext64=1,sparse=1
64M -i sparse=0,size=2048 -s size=4096
64M -b size=8192 -s size=1024
192M -b size=32768 -d agcount=2 -s size=32768
256M -b size=65536 -d agcount=2
64M -l su=32768
160M -l su=262144,agnum=1 -d agcount=2
64M -d agcount=2,su=65536,sw=2 -L twelve-chars
END
[ $n = 14 ] || fail "only $n kinds ran"

# identity, as blkid has it
"$map" -p fs >id.out
grep -q "^ident $(blkid -p -o value -s UUID fs) twelve-chars$" id.out || fail "$(cat id.out)"
# metadata keeps the first UUID
xfs_admin -U generate fs >admin.out 2>&1 || fail "$(cat admin.out)"
xfs_db -r -c version fs | grep -q META_UUID || fail "no second UUID: $(xfs_db -r -c version fs)"
judged fs 'another UUID'
grep -q "^ident $(blkid -p -o value -s UUID fs) " map.out || fail "$(cat map.out)"
# the log a second time, with a higher round
xfs_repair -L fs >repair.out 2>&1 || fail "$(cat repair.out)"
judged fs 'after xfs_repair'
# a group that is shorter than the others; what lies behind the end is kept
mk 64M -d agsize=20m
judged fs short
truncate -s 70M fs
"$map" fs >map.out
grep -q "^note .*behind the end" map.out || fail "$(cat map.out)"
[ "$(awk '/^extent/ { e = $2 + $3 } END { print e }' map.out)" = $((70 << 20)) ] || fail "end not kept"

# all the way: an image of it, restored over garbage
mk 64M -d agcount=2
expect_status 0 rehost capture --verify fs fs.rhi
expect_status 0 rehost info --json fs.rhi
[ "$(json out 'd["used_bytes"] < 20e6')" = True ] || fail "too much is used: $(cat out)"
head -c 64M /dev/zero | tr '\0' '\245' >copy
expect_status 0 rehost restore --yes --verify fs.rhi copy
sound copy restored
