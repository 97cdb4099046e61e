#!/bin/sh
# Kinds of logical volumes that need a device mapper to make: RAID1 and mirrors are
# looked into, all others taken whole.  LVM must understand the text, too, and says
# which extents each has.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/lvm-text.sh"
requires mke2fs e2fsck
map=$REHOST_B/tests/tools/map-dump
tool=$REHOST_TOP/tests/lib/lvmtool.py
judge=$REHOST_TOP/tests/lib/fsjudge.py
volume() { grep -q "^volume 0 $1\$" map.out || fail "no volume '$1' in: $(grep -v ^extent map.out)"; }
said() { grep -q "^note Taken whole: $1\.\$" map.out || fail "'$1' isn't said: $(grep -v ^extent map.out)"; }

mkdir tree; head -c 700000 /dev/urandom >tree/random
truncate -s 12M fs; mke2fs -q -t ext4 -d tree fs
"$map" fs >fs.map
raid() { # TYPE COUNT NAMES: the words of a RAID's segment
	printf '%s' 'type = "'"$1"'"\ndevice_count = '"$2"'\nregion_size = 1024\nraids = ['"$3]"
}
vg_text 280 >text <<END
lv plain 12 V $(at 0)
lv r1 12 V $(raid raid1 2 '"r1_rmeta_0","r1_rimage_0","r1_rmeta_1","r1_rimage_1"')
lv r1_rmeta_0 1 H $(at 12)
lv r1_rimage_0 12 H $(at 14)
lv r1_rmeta_1 1 H $(at 26)
lv r1_rimage_1 12 H $(at 28)
lv half 12 V $(raid raid1 2 '"half_rmeta_0","half_rimage_0","half_rmeta_1","half_rimage_1"')
lv half_rmeta_0 1 H $(at 40 pv1)
lv half_rimage_0 12 H $(at 41 pv1)
lv half_rmeta_1 1 H $(at 40)
lv half_rimage_1 12 H $(at 41)
lv new 12 V $(raid raid1 2 '"new_rmeta_0","new_rimage_0","new_rmeta_1","new_rimage_1"')
lv new_rmeta_0 1 H $(at 54)
lv new_rimage_0 12 H $(at 55)
lv new_rmeta_1 1 H $(at 67)
lv new_rimage_1 12 H $(at 68)
lv m 12 V type = "mirror"\nmirror_count = 2\nmirror_log = "m_mlog"\nregion_size = 1024\nmirrors = ["m_mimage_0", 0, "m_mimage_1", 0]
lv m_mlog 1 H $(at 80)
lv m_mimage_0 12 H $(at 82)
lv m_mimage_1 12 H $(at 96)
lv far 12 V type = "mirror"\nmirror_count = 2\nregion_size = 1024\nmirrors = ["far_mimage_0", 0, "far_mimage_1", 0]
lv far_mimage_0 12 H $(at 0 pv1)
lv far_mimage_1 12 H $(at 110)
lv r5 24 V $(raid raid5_ls 3 '"r5_rmeta_0","r5_rimage_0","r5_rmeta_1","r5_rimage_1","r5_rmeta_2","r5_rimage_2"')\nstripe_size = 128
lv r5_rmeta_0 1 H $(at 122)
lv r5_rimage_0 12 H $(at 123)
lv r5_rmeta_1 1 H $(at 135)
lv r5_rimage_1 12 H $(at 136)
lv r5_rmeta_2 1 H $(at 148)
lv r5_rimage_2 12 H $(at 149)
lv origin 12 V $(at 162)
lv snap 4 V $(at 174)
lv snapshot0 12 H type = "snapshot"\nchunk_size = 8\norigin = "origin"\ncow_store = "snap"
lv pool 8 H type = "thin-pool"\nmetadata = "pool_tmeta"\npool = "pool_tdata"\ntransaction_id = 1\nchunk_size = 128\ndiscards = "passdown"\nzero_new_blocks = 1
lv pool_tmeta 2 H $(at 178)
lv pool_tdata 8 H $(at 180)
lv lvol0_pmspare 2 H $(at 188)
lv thin 40 V type = "thin"\nthin_pool = "pool"\ntransaction_id = 0\ndevice_id = 1
lv locked 12 V,"LOCKED" $(at 192)
lv striped 12 V type = "striped"\nstripe_count = 3\nstripe_size = 128\nstripes = ["pv0", 214, "pv0", 220, "pv0", 210]
END
"$tool" make pv $((281 << 20)) text
for at_ in 0 14 28 41 55 68 82 96 110 162 192; do
	dd if=fs of=pv bs=1M seek=$((at_ + 1)) conv=notrunc status=none
done
# what dm-raid writes of a RAID that is in step; sub 0 of "new" was never synced
super() { # EXTENT POSITION RESYNCED
	"$tool" poke pv $(((($1 + 1) << 20))) "446d52640100000002000000${2}0000000500000000000000""0000000000000000ffffffffffffffff$3""01000000"
}
done_=ffffffffffffffff
super 12 00 $done_; super 26 01 $done_; super 40 01 $done_
super 54 00 0000100000000000; super 67 01 0000100000000000
/usr/bin/python3 - <<'END' # the striped one
with open("fs", "rb") as f, open("pv", "r+b") as out:
    for i in range(12 << 4):
        out.seek(([214, 220, 210][i % 3] + 1 << 20) + i // 3 * 65536)
        out.write(f.read(65536))
END
"$map" pv >map.out
sum=$(awk '/^total/ { print $2 }' fs.map)
for v in plain r1 half m striped; do volume "12582912 $sum ext ext4 0 logical volume vg/$v"; done
for v in new far r5 thin snapshot0 locked origin; do
	grep -q "^volume 0 [0-9]* [0-9]* ext .*/$v\$" map.out && fail "$v was read: $(cat map.out)"
done
said "its RAID1 isn't known to be complete and in step"
said "the first half of its mirror isn't on this disk"
said 'it is of the kind "raid5_ls"'
said 'it is of the kind "thin"'
said 'snapshot0 needs it'
said 'it is a part of new'
said 'it is hidden'
said 'it is marked as LOCKED'
volume '12582912 12582912 raw - 0 logical volume vg/origin'
volume '41943040 0 raw - 0 logical volume vg/thin'
volume '8388608 8388608 raw - 0 hidden logical volume vg/pool_tdata'
volume '12582912 12582912 raw - 0 hidden logical volume vg/far_mimage_1'
grep '^volume.* r1_rimage' map.out && fail "parts of r1 are listed"

# LVM's word on it
if [ "$(id -u)" = 0 ] && command -v lvm >/dev/null; then
	. "$REHOST_TOP/tests/lib/lvm.sh"
	attach pv
	report
	# what is elsewhere isn't asked about
	/usr/bin/python3 - <<'END'
import json
d = json.load(open("pvs.json"))
d["report"][0]["pv"] = [p for p in d["report"][0]["pv"] if p["pv_name"].startswith("/dev/")]
json.dump(d, open("pvs.json", "w"))
END
	"$tool" judge pv map.out plain=fs.map r1_rimage_0=fs.map r1_rimage_1=fs.map half_rimage_1=fs.map \
		m_mimage_0=fs.map m_mimage_1=fs.map striped=fs.map || fail "not as LVM says"
	"$judge" apply pv map.out copy
	for v in plain r1_rimage_0 r1_rimage_1 half_rimage_1 m_mimage_1 striped; do
		"$tool" get copy $v $v.copy
		e2fsck -fn $v.copy >fsck.out 2>&1 || fail "$v: $(cat fsck.out)"
	done
fi
exit 0
