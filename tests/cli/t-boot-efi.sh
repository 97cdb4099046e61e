#!/bin/sh
# rehost-test: san only
# Boot programs of UEFI: EFI/BOOT's is copied from the guest's loader with all
# that it needs, or made; another system's is left alone.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/boot.sh"
requires sfdisk grub-mkimage grub-script-check
signed=/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
shim=/usr/lib/shim/shimx64.efi.signed
mm=/usr/lib/shim/mmx64.efi.signed
[ -e $signed ] && [ -e $shim ] && [ -d /usr/lib/grub/x86_64-efi ] ||
	skip "shim-signed, grub-efi-amd64-signed or grub-efi-amd64-bin is not installed"
esp=root/boot/efi/EFI
none=$PWD/none
mkdir none

# debian_esp [UUID]: EFI/debian as grub-install leaves it
debian_esp() {
	rm -rf root/boot/efi root/var
	mkdir -p $esp/debian
	cp $shim $esp/debian/shimx64.efi
	cp $signed $esp/debian/grubx64.efi
	cp $mm $esp/debian/mmx64.efi
	printf "search.fs_uuid %s root \nset prefix=(\$root)'/boot/grub'\nconfigfile \$prefix/grub.cfg\n" \
		"${1:-$BOOT_UUID}" > $esp/debian/grub.cfg
}
efi() {
	plan firmware=efi esp=1 boot=2 "$@"
}
efi_done() {
	done_now firmware=efi esp=1 boot=2 "$@"
	find $esp -name grub.cfg -exec grub-script-check {} + || fail "a grub.cfg that GRUB can't read"
}
gpt_disk disk.img 'size=32MiB, type=U' 'type=L'
guest root

# --- shim, GRUB and the key manager are copied; what is there stays
debian_esp
efi live="$none"
says '^loaders: 2$'
edits 3
efi_done live="$none"
cmp $shim $esp/BOOT/BOOTX64.EFI
cmp $signed $esp/BOOT/grubx64.efi
cmp $mm $esp/BOOT/mmx64.efi
[ ! -e $esp/BOOT/grub.cfg ] || fail "a grub.cfg that GRUB does not look for"
"$REHOST_B/tests/tools/bootplan" root "$PWD/disk.img" undo=1
[ ! -e $esp/BOOT ] || fail "undo left EFI/BOOT: $(ls $esp/BOOT)"

# --- the target's firmware isn't known: GRUB's files for a BIOS, which never was in
# --- this disk, are no reason not to boot
debian_esp
mkdir -p root/boot/grub/i386-pc
: > root/boot/grub/i386-pc/normal.mod
plan firmware=unknown esp=1 boot=2 live="$none"
says '^loaders: 3$'
says_not '^problem'
says '^note: this target starts by BIOS: .*no boot code'
rm -r root/boot/grub/i386-pc

# --- names in other case are the same names
debian_esp
mv $esp root/boot/efi/efi
mkdir -p root/boot/efi/efi/Boot
cp $shim root/boot/efi/efi/Boot/bootx64.efi
esp=root/boot/efi/efi
efi
edits 1
says '^edit: write /boot/efi/efi/Boot/grubx64.efi '
efi_done
esp=root/boot/efi/EFI

# --- what a signed GRUB looks for is made, and made right
debian_esp
rm $esp/debian/grub.cfg
efi_done
grep -q "search.fs_uuid $BOOT_UUID root" $esp/debian/grub.cfg
debian_esp 99999999-0000-0000-0000-000000000000
efi
says 'edit: write /boot/efi/EFI/debian/grub.cfg .* file system that is not there'
efi_done
grep -q $BOOT_UUID $esp/debian/grub.cfg
# one that looks for another volume of this machine is another system's
debian_esp 0-0
mv $esp/debian $esp/other
gpt_disk disk.img 'size=32MiB, type=U' 'size=16MiB, type=L' 'type=L'
efi root=3 live="$none"
edits 0
says "^problem: .*neither the guest nor this system has GRUB's files"
gpt_disk disk.img 'size=32MiB, type=U' 'type=L'

# --- another system's fallback is left
debian_esp
mkdir -p $esp/BOOT $esp/Microsoft/Boot
/usr/bin/python3 - $esp <<'END'
import sys
text = bytearray(4096)
text[:2] = b"MZ"
text[1000:] = "Microsoft Corporation".encode("utf-16-le")
for name in "BOOT/BOOTX64.EFI", "Microsoft/Boot/bootmgfw.efi":
    open(f"{sys.argv[1]}/{name}", "wb").write(text)
END
efi
edits 0
says "^warning: EFI/BOOT/BOOTX64.EFI .*Windows' and was left alone"
says_not '^problem'
rm -r $esp/debian
efi bits=2 live="$none"
edits 0
says '^problem: .*has no loader of this system'
# rubbish is no system's
debian_esp
mkdir $esp/BOOT
echo nothing > $esp/BOOT/BOOTX64.EFI
efi_done
cmp $shim $esp/BOOT/BOOTX64.EFI

# --- shim's own way: fbx64.efi makes the entries
debian_esp
mkdir $esp/BOOT
cp $shim $esp/BOOT/BOOTX64.EFI
cp /usr/lib/shim/fbx64.efi.signed $esp/BOOT/fbx64.efi
cp /usr/lib/shim/BOOTX64.CSV $esp/debian/
efi
edits 0

# --- asked for: an older copy of the guest's own is made anew
debian_esp
mkdir $esp/BOOT
cp /usr/lib/shim/shimx64.efi $esp/BOOT/BOOTX64.EFI
printf x >> $esp/BOOT/BOOTX64.EFI
cp $signed $esp/BOOT/grubx64.efi
efi
edits 0
efi reinstall=1
says '^edit: write /boot/efi/EFI/BOOT/BOOTX64.EFI'
efi_done reinstall=1
cmp $shim $esp/BOOT/BOOTX64.EFI

# --- a shim of SUSE starts grub.efi
rm -rf root/boot/efi
mkdir -p $esp/opensuse
/usr/bin/python3 - $esp/opensuse/shim.efi <<'END'
import sys
pe = bytearray(4096)
pe[:2] = b"MZ"
pe[1000:] = b"UEFI SHIM\n$Version: 15.8" + "\\grub.efi".encode("utf-16-le") + bytes(100)
open(sys.argv[1], "wb").write(pe)
END
grub-mkimage -O x86_64-efi -p /EFI/opensuse -o $esp/opensuse/grub.efi part_gpt ext2 normal
echo "configfile (hd0,gpt2)/boot/grub2/grub.cfg" > $esp/opensuse/grub.cfg
efi id=opensuse-leap
edits 2
says '^edit: write /boot/efi/EFI/BOOT/grub.efi '
efi_done id=opensuse-leap

# --- GRUB alone; systemd-boot
rm -rf root/boot/efi
mkdir -p $esp/GRUB
grub-mkimage -O x86_64-efi -p '(,gpt2)/boot/grub' -o $esp/GRUB/grubx64.efi part_gpt ext2 normal
efi id=arch
edits 1
efi_done id=arch
cmp $esp/GRUB/grubx64.efi $esp/BOOT/BOOTX64.EFI
if [ -e /usr/lib/systemd/boot/efi/systemd-bootx64.efi ]; then
	rm -rf root/boot/efi
	mkdir -p $esp/systemd
	cp /usr/lib/systemd/boot/efi/systemd-bootx64.efi $esp/systemd/
	efi
	says '^loaders: 8$'
	efi_done
	cmp $esp/systemd/systemd-bootx64.efi $esp/BOOT/BOOTX64.EFI
fi

# --- from BIOS to UEFI: the guest's signed files, its modules, this system's
guest root
mkdir -p root/boot/efi root/usr/lib/shim root/usr/lib/grub/x86_64-efi-signed
cp $shim $mm root/usr/lib/shim/
cp $signed root/usr/lib/grub/x86_64-efi-signed/
efi bits=1 live="$none" secure=1
edits 4
efi_done bits=1 live="$none" secure=1
cmp $signed $esp/BOOT/grubx64.efi
grep -q $BOOT_UUID $esp/debian/grub.cfg

guest root
mkdir -p root/boot/efi
packages root x86_64-efi
efi bits=1 live="$none" secure=0
edits 1
says "made from the guest's modules"
says_not '^(warning|problem)'
efi bits=1 live="$none"
says "^warning: .*isn't signed"
efi bits=1 live="$none" secure=1
says '^problem: .*Secure Boot on'
efi_done bits=1 live="$none" secure=0
grep -q $BOOT_UUID $esp/BOOT/BOOTX64.EFI || fail "GRUB does not look for /boot"

guest root
mkdir -p root/boot/efi
efi bits=1 secure=0
edits 4
says "this system's is taken"
efi bits=1 id=ubuntu
says '^warning: .*signed by Debian only'
echo blscfg >> root/boot/grub/grub.cfg
efi bits=17
says '^problem: .*does not read the guest.s menu'
edits 0
sed -i '/blscfg/d' root/boot/grub/grub.cfg
efi bits=1 live="$none"
says "^problem: .*neither the guest nor this system has GRUB's files"
edits 0

# --- what can't be done is said
sed -i 's/linux /linux16 /' root/boot/grub/grub.cfg
efi bits=1
says '^problem: .*command linux16'
plan firmware=efi bits=1 boot=2
edits 0
plan firmware=efi bits=2 boot=2
says '^problem: .*could not be read'
mbr_disk disk.img
plan firmware=efi bits=2
says '^problem: .*no EFI system partition'
