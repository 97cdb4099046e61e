#!/bin/sh
# rehost-test: san only
# Boot code of a BIOS: what is whole is left alone; what is missing is put back
# from the guest's own GRUB, byte for byte as GRUB's own tools do.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/boot.sh"
requires sfdisk grub-mkimage
[ -d /usr/lib/grub/i386-pc ] || skip "grub-pc-bin is not installed"

# --- whole: nothing to do
guest root
grub_files root '(,msdos1)/boot/grub'
mbr_disk disk.img
embed disk.img root 1
cp disk.img good.img
plan
says '^loaders: 1$'
edits 0
says 'is whole and finds /boot'
says_not '^(problem|warning):'

# --- each loss is put back, all other bytes stay
for loss in "0 440" "512 512" "512 30000" "0x66 2" "1024 64" "20000 600"; do
	cp good.img disk.img
	# shellcheck disable=SC2086
	zero disk.img $((${loss% *})) ${loss#* }
	cmp -s good.img disk.img && fail "nothing was lost by $loss"
	done_now
	cmp good.img disk.img || fail "the disk differs after the repair of $loss"
done

# --- asked for, over a GRUB of another kind; undo brings the old bytes back
cp good.img disk.img
printf 'other' | dd of=disk.img bs=1 seek=100 conv=notrunc status=none
cp disk.img was.img
rm -r root/var
plan reinstall=1
edits 1
done_now reinstall=1
cmp good.img disk.img
"$REHOST_B/tests/tools/bootplan" root "$PWD/disk.img" undo=1
cmp was.img disk.img || fail "undo left something"

# --- the partition is now another one: core.img is made anew from the guest's modules
guest root
packages root i386-pc
grub_files root '(,msdos5)/boot/grub'
cp good.img disk.img
embed disk.img root 1
plan
says 'looks for /boot where it was before'
done_now
says 'is whole and finds /boot'
[ "$(dd if=disk.img bs=1 skip=440 count=72 status=none | sha256sum)" = \
	"$(dd if=good.img bs=1 skip=440 count=72 status=none | sha256sum)" ] || fail "the table changed"

# --- another system's GRUB is left, unless asked
rm root/boot/grub/i386-pc/core.img
grub-mkimage -O i386-pc -p '(,msdos1)/boot/grub' -o root/boot/grub/i386-pc/core.img biosdisk ext2
guest other
grub_files other '(,msdos3)/boot/grub'
cp good.img disk.img
embed disk.img other 1
plan
edits 0
says '^warning: .*may be another system.s and was left alone'
done_now reinstall=1

# --- no core.img: made of the guest's modules; small, for the rest is in /boot
rm root/boot/grub/i386-pc/core.img
cp good.img disk.img
zero disk.img 0 440
zero disk.img 512 60000
done_now
says 'is whole and finds /boot'
[ "$(stat -c %s root/boot/grub/i386-pc/core.img)" -lt 60000 ] || fail "the core is large"

# --- the old gap of 62 sectors is enough for that, not for a whole GRUB
mbr_disk disk.img 63
rm root/boot/grub/i386-pc/core.img
done_now
rm -r root/boot/grub/i386-pc
mbr_disk disk.img 63
plan bits=1
says '^problem: .*does not fit into the gap'
edits 0

# --- what others keep in the gap
guest root
grub_files root '(,msdos1)/boot/grub'
mbr_disk disk.img
printf '\324\101\240\365\003\000\003\000' | dd of=disk.img bs=512 seek=20 conv=notrunc status=none
plan
says '^problem: .*holds data of FlexNet'
edits 0

# --- other boot code: left where a partition is active and has code, else replaced
mbr_disk disk.img
printf '\372\063\300' | dd of=disk.img conv=notrunc status=none
printf '\353\130\220' | dd of=disk.img bs=512 seek=2048 conv=notrunc status=none
printf '\125\252' | dd of=disk.img bs=1 seek=$((2048 * 512 + 510)) conv=notrunc status=none
plan
edits 0
says "^warning: .*isn't GRUB's and starts the active partition"
sfdisk -q -A disk.img -
plan
edits 2
says 'starts nothing: no partition is active'
says '^note: no partition of .* is marked active'

# --- GPT: into the BIOS boot partition; refused without one
guest root
grub_files root '(,gpt2)/boot/grub'
gpt_disk disk.img "size=1MiB, type=$BIOS_BOOT" 'type=L'
plan boot=2
says 'into the BIOS boot partition 1'
done_now boot=2
cp disk.img ours.img
sfdisk -q --verify disk.img > verified
gpt_disk plain.img "size=1MiB, type=$BIOS_BOOT" 'type=L'
embed disk.img root 2048
cmp ours.img disk.img
gpt_disk disk.img 'type=L'
plan
says '^problem: .*without a BIOS boot partition'

# --- GRUB of the live system when the guest has none; BIOS from a guest of UEFI
guest root
gpt_disk disk.img "size=1MiB, type=$BIOS_BOOT" 'type=L'
plan boot=2 bits=2
says "made from the files of this live system"
says 'for a BIOS GRUB is put into the disk'
done_now boot=2 bits=2
mkdir none
gpt_disk disk.img "size=1MiB, type=$BIOS_BOOT" 'type=L'
plan boot=2 bits=2 live="$PWD/none"
says "^problem: .*neither the guest nor this system has GRUB's files"
gpt_disk disk.img "size=1MiB, type=$BIOS_BOOT" 'type=L'
echo blscfg >> root/boot/grub/grub.cfg
plan boot=2 bits=2
says '^problem: .*does not read the guest.s menu'
sed -i '/blscfg/d' root/boot/grub/grub.cfg
sed -i 's/linux /linuxefi /' root/boot/grub/grub.cfg
plan boot=2 bits=2
says '^problem: .*command linuxefi'
rm root/boot/grub/grub.cfg
plan boot=2 bits=8
says '^problem: .*no GRUB 2 that could be set up'

# --- volumes on volumes, file systems
guest root
packages root i386-pc
mbr_disk disk.img
for how in "ext4 LVM2_member" "xfs linux_raid_member" "btrfs crypto_LUKS" "vfat LVM2_member"; do
	mbr_disk disk.img
	done_now bits=1 type="${how% *}" holder="${how#* }"
	says 'is whole and finds /boot'
done
mbr_disk disk.img
plan bits=1 type=bcachefs
says '^problem: .*does not read the file system of /boot .bcachefs.'
plan bits=1 arch=aarch64
says '^problem: .*aarch64'
