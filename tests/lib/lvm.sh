# shellcheck shell=sh
# lvm.sh: volume groups made by LVM itself on files, without a device mapper: . it
# after lib.sh.  It wants block devices, so loop devices, so root.
requires lvm losetup mke2fs mkswap
[ "$(id -u)" = 0 ] || skip "LVM wants root"
loops= # "DEVICE=START", where the file has it

# attach FILE [START SIZE]: the device is then $dev_
attach() {
	dev_=$(losetup --find --show ${2:+--offset "$2" --sizelimit "$3"} "$1" 2>/dev/null) ||
		skip "no loop device is free"
	at_exit "losetup -d $dev_ 2>/dev/null || true"
	loops="$loops $dev_=${2:-0}"
}
detach() {
	for l_ in $loops; do losetup -d "${l_%=*}"; done
	loops=
}
lvm_() {
	filter_=
	for l_ in $loops; do filter_="$filter_\"a|^${l_%=*}\$|\", "; done
	lvm "$@" --config "global { activation = 0 } backup { backup = 0 archive = 0 }
		devices { use_devicesfile = 0 obtain_device_list_from_udev = 0
		filter = [ $filter_ \"r|.*|\" ] }" 2>lvm.err || { cat lvm.err >&2; fail "lvm $*"; }
}
lv() { # NAME SIZE [OPTIONS]
	n_=$1 s_=$2
	shift 2
	lvm_ lvcreate -q --yes -Zn -Wn -an -n "$n_" -L "$s_" "$@" vg >/dev/null
}
# report: what LVM says of the group, for lvmtool.py
report() {
	lvm_ lvs -a --reportformat json --units b --nosuffix \
		-o lv_name,segtype,stripes,stripe_size,seg_start,seg_size,seg_pe_ranges >lvs.json
	lvm_ pvs --reportformat json --units b --nosuffix \
		-o pv_name,pe_start,pv_pe_count,vg_extent_size,dev_size >pvs.json
	echo "$loops" >places
}
# inside DISK LV FILE: a file's bytes to where the volume is
inside() { "$REHOST_TOP/tests/lib/lvmtool.py" put "$1" "$2" "$3"; }
