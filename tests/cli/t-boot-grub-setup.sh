#!/bin/sh
# Boot code as GRUB's own grub-bios-setup writes it is found whole, damage to it
# is found, and what is put back is byte for byte what grub-bios-setup writes.
. "$REHOST_TOP/tests/lib/lib.sh"
own_mounts
. "$REHOST_TOP/tests/lib/boot.sh"
requires sfdisk mke2fs grub-mkimage losetup
setup=/usr/lib/grub/i386-pc/grub-bios-setup
[ -x $setup ] || skip "grub-pc-bin is not installed"
[ "$(id -u)" = 0 ] || skip "loop devices need root"

# setup_disk IMG OFFSET OPTION...: GRUB's tool over a copy of root/ on the disk
setup_disk() {
	img_=$1
	off_=$2
	shift 2
	truncate -s 32M fs.img
	mke2fs -q -F -t ext4 -d root fs.img
	dd if=fs.img of="$img_" bs=1M seek=$((off_ >> 20)) conv=notrunc,sparse status=none
	loop_=$(losetup -f --show -o "$off_" --sizelimit 32M "$img_") || skip "no loop device"
	mkdir -p mnt
	at_exit "umount mnt 2>/dev/null || :; detach $img_"
	mount -o ro "$loop_" mnt
	printf '(hd0) %s\n(hd1) %s\n' "$PWD/$img_" "$loop_" > device.map
	$setup "$@" -d mnt/boot/grub/i386-pc -m device.map "$PWD/$img_"
	umount mnt
	losetup -d "$loop_"
}

guest root
for kind in mbr gpt; do
	rm -rf root/var root/boot/grub/i386-pc
	if [ $kind = mbr ]; then
		grub_files root '(,msdos1)/boot/grub'
		mbr_disk disk.img
		boot=1 first=512 off=$((1 << 20))
	else
		grub_files root '(,gpt2)/boot/grub'
		gpt_disk disk.img "size=1MiB, type=$BIOS_BOOT" 'type=L'
		boot=2 first=$((1 << 20)) off=$((2 << 20))
	fi
	cp disk.img plain.img
	setup_disk disk.img $off
	plan boot=$boot
	edits 0
	says 'is whole and finds /boot'
	cp disk.img repair-codes.img
	cp plain.img disk.img
	setup_disk disk.img $off --no-rs-codes
	plan boot=$boot
	edits 0
	says 'is whole and finds /boot'
	cp disk.img good.img

	# all of it gone
	zero disk.img 0 440
	dd if=/dev/zero of=disk.img bs=512 seek=$((first / 512)) count=60 conv=notrunc status=none
	done_now boot=$boot
	cmp good.img disk.img || fail "$kind: not what grub-bios-setup writes"

	# the codes against damage don't hide it
	cp repair-codes.img disk.img
	zero disk.img $((first + 9000)) 2000
	plan boot=$boot
	says "core.img on the disk is not whole"
	done_now boot=$boot
done
