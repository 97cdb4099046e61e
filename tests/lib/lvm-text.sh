# shellcheck shell=sh
# lvm-text.sh: volume groups written as text, for what LVM makes only with a device
# mapper: . it after lib.sh.  Extents of 1 MiB.

# vg_text PV_EXTENTS: a group on pv0 (and pv1, which is elsewhere) of the volumes
# that stand on standard input: "lv NAME EXTENTS STATUS KEYS..." each; STATUS is V
# (visible) or H (hidden), and what else it is marked as
vg_text() {
	cat <<-END
	contents = "Text Format Volume Group" # a comment { [ "
	version = 1
	description = "made by \"hand\" with a \\\\"
	vg {
	id = "wxhv7c-3EZP-7EiD-TCo2-Bln0-oAJP-9p0Z7e"
	seqno = 7
	format = "lvm2"
	status = ["RESIZEABLE", "READ", "WRITE"]
	flags = []
	extent_size = 2048
	max_lv = 0
	max_pv = 0
	metadata_copies = 0
	physical_volumes {
	pv0 {
	id = "oXbldM-KYaZ-mWYX-CVCL-p8oI-8xxW-HEPsOW"
	device = "/dev/sda1"
	status = ["ALLOCATABLE"]
	flags = []
	dev_size = $((2048 + 2048 * $1))
	pe_start = 2048
	pe_count = $1
	}
	pv1 {
	id = "aXbldM-KYaZ-mWYX-CVCL-p8oI-8xxW-HEPsOW"
	device = "/dev/sdb1"
	status = ["ALLOCATABLE"]
	flags = []
	dev_size = 204800
	pe_start = 2048
	pe_count = 99
	}
	}
	logical_volumes {
	END
	n_=0
	while read -r _ name_ extents_ status_ keys_; do
		n_=$((n_ + 1))
		case $status_ in
		V*) status_='"READ","WRITE","VISIBLE"'${status_#V} ;;
		H*) status_='"READ","WRITE"'${status_#H} ;;
		esac
		printf '%s {\nid = "YSu11S-8P1A-kPPt-HOYp-xF5t-B9wH-RnO%03d"\nstatus = [%s]\n' "$name_" $n_ "$status_"
		printf 'flags = []\nsegment_count = 1\nsegment1 {\nstart_extent = 0\nextent_count = %s\n%b\n}\n}\n' "$extents_" "$keys_"
	done
	printf '}\n}\n'
}
at() { # EXTENT [PV]
	printf '%s' 'type = "striped"\nstripe_count = 1\nstripes = ["'"${2:-pv0}\", $1]"
}
