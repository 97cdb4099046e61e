#!/bin/sh
# t-new-ids.sh: restore --new-ids gives the copy ids of its own and changes nothing
# else; judged by sfdisk, sgdisk and cmp.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
requires sfdisk sgdisk truncate cmp
PATH=$REHOST_B:$PATH

ids() { sfdisk -d "$1" | grep -o 'label-id: .*\|uuid=[^,]*'; }
others() { sfdisk -d "$1" | sed "s|$1||; /^label-id\|^device/d; s/uuid=[^,]*//"; }
check() { # DISK
	rm -f a.rhi new.img
	rehost capture "$1" a.rhi 2>log || fail "$1: capture"
	rehost restore --yes --new-ids a.rhi new.img 2>log || fail "$1: restore"
	others "$1" >a; others new.img >b
	cmp a b || fail "$1: more than the ids changed"
	ids "$1" >a; ids new.img >b
	[ -s a ] && [ "$(wc -l <a)" = "$(wc -l <b)" ] || fail "$1: no ids"
	grep -qxFf a b && fail "$1: an id stayed"
	[ "$(sort b | uniq -d)" = "" ] || fail "$1: an id stands twice"
	rehost restore --yes a.rhi again.img 2>log && cmp "$1" again.img || fail "$1: without"
	rm again.img
}

truncate -s 20M gpt.img
sfdisk -q gpt.img <<-END
	label: gpt
	start=2048, size=4096, type=U, name="EFI"
	start=8192, size=8192, attrs="LegacyBIOSBootable"
	END
seq 20000 | dd of=gpt.img bs=512 seek=8192 conv=notrunc status=none
check gpt.img
sgdisk -v new.img | grep -q 'No problems found' || fail "sgdisk: $(sgdisk -v new.img)"
# all but the two tables is the same
cmp -n $((20 * 1048576 - 34 * 512 - 33 * 512)) -i $((34 * 512)) gpt.img new.img || fail "content"

truncate -s 20M mbr.img
sfdisk -q mbr.img <<-END
	label: dos
	start=2048, size=4096, type=7, bootable
	start=8192, type=83
	END
# its partitions' uuid= is the signature and the number: sfdisk doesn't tell it
check mbr.img
[ "$(cmp -l mbr.img new.img | awk '$1 <= 440 || $1 > 444' | wc -l)" = 0 ] || fail "more than the signature"

# without a table nothing is done, and that is said
truncate -s 1M raw.img
seq 1000 | dd of=raw.img conv=notrunc status=none
rm -f a.rhi
rehost capture raw.img a.rhi 2>log || fail "raw"
status=0
rehost restore --yes --new-ids a.rhi new2.img 2>log || status=$?
[ $status = 3 ] && grep -q 'no partition table' log || fail "raw: $status $(cat log)"
cmp raw.img new2.img || fail "raw: content"
