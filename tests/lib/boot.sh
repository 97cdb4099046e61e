# shellcheck shell=sh
# boot.sh: guests and disks for tests of the boot chain; after lib.sh.
# A guest is a tree, root/, beside its disk, disk.img: bootplan looks at both.
BOOT_UUID=0f1e2d3c-1111-2222-3333-444455556666

# mbr_disk IMG [START]: 64 MiB, one Linux partition
mbr_disk() {
	rm -f "$1"
	truncate -s 64M "$1"
	printf 'label: dos\nlabel-id: 0x11223344\nstart=%s, type=83, bootable\n' "${2:-2048}" | sfdisk -q "$1"
}
# gpt_disk IMG LINES...: 96 MiB; each line of sfdisk's input is one partition
gpt_disk() {
	rm -f "$1"
	truncate -s 96M "$1"
	gpt_img_=$1
	shift
	{
		echo 'label: gpt'
		printf '%s\n' "$@"
	} | sfdisk -q "$gpt_img_"
}
# shellcheck disable=SC2034
BIOS_BOOT=21686148-6449-6E6F-744E-656564454649

# guest TREE: /boot/grub with a menu
guest() {
	rm -rf "$1"
	mkdir -p "$1/boot/grub" "$1/etc" "$1/usr/lib"
	printf 'set timeout=1\nmenuentry Linux {\n\tlinux /vmlinuz\n}\n' > "$1/boot/grub/grub.cfg"
	printf 'UUID=%s / ext4 defaults 0 1\n' $BOOT_UUID > "$1/etc/fstab"
}
# packages TREE PLATFORM: GRUB's files as the package leaves them
packages() {
	mkdir -p "$1/usr/lib/grub"
	cp -r "/usr/lib/grub/$2" "$1/usr/lib/grub/"
}
# grub_files TREE PREFIX: /boot/grub/i386-pc as grub-install leaves it
grub_files() {
	mkdir -p "$1/boot/grub/i386-pc"
	cp /usr/lib/grub/i386-pc/*.mod /usr/lib/grub/i386-pc/*.lst /usr/lib/grub/i386-pc/boot.img \
		"$1/boot/grub/i386-pc/"
	grub-mkimage -O i386-pc -p "$2" -o "$1/boot/grub/i386-pc/core.img" biosdisk part_msdos part_gpt ext2
}
# embed IMG TREE FIRST: an independent grub-bios-setup --no-rs-codes
embed() {
	/usr/bin/python3 - "$1" "$2/boot/grub/i386-pc" "$3" <<'END'
import struct, sys
disk, grub, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
boot = bytearray(open(grub + "/boot.img", "rb").read()[:440])
core = bytearray(open(grub + "/core.img", "rb").read())
core += bytes(-len(core) % 512)
struct.pack_into("<Q", boot, 0x5c, first)
boot[0x66:0x68] = b"\x90\x90"
struct.pack_into("<QHH", core, 0x1f4, first + 1, len(core) // 512 - 1, 0x820)
with open(disk, "r+b") as f:
    f.write(boot)
    f.seek(first * 512)
    f.write(core)
END
}
# zero IMG FIRST_BYTE COUNT
zero() {
	dd if=/dev/zero of="$1" bs=1 seek="$2" count="$3" conv=notrunc status=none
}
# bootplan ARGUMENTS...: its output is in ./said
plan() {
	"$REHOST_B/tests/tools/bootplan" root "$PWD/disk.img" uuid=$BOOT_UUID "$@" > said 2>&1 || {
		cat said
		fail "bootplan $*"
	}
}
# edits N: how many the last plan had; says REGEX, says_not REGEX
edits() {
	[ "$(grep -c '^edit:' said)" = "$1" ] || {
		cat said
		fail "not $1 edits"
	}
}
says() {
	grep -qE "$1" said || {
		cat said
		fail "no '$1' was said"
	}
}
says_not() {
	! grep -qE "$1" said || {
		cat said
		fail "'$1' was said"
	}
}
# done_now ARGUMENTS...: the edits are made and then none is left, no problem either
done_now() {
	plan "$@" apply=1
	says_not '^(problem|failed):'
	plan "$@"
	edits 0
	says_not '^problem:'
}
