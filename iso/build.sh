#!/bin/sh
# build.sh ID OUT: one ISO that boots as CD and, copied to one, as USB stick, by
# BIOS (isolinux) and UEFI (shim and GRUB as signed by Debian, so with Secure
# Boot too).  Takes kernel, initramfs and layers from /build/out.  Runs in the
# build root.
set -eu
id=${1:?usage: build.sh ID OUT} out=${2:?usage: build.sh ID OUT}
here=/build/src/iso
live=/srv/live
dest=/build/iso
esp=$dest/boot/grub/efi.img

# fill_config FILE: the menu with the build's id and kernel options put in
fill_config() {
	sed -e "s|@ID@|$id|g" -e "s|@ARGS@|$(grep -v '^#' $here/cmdline | tr '\n' ' ' | sed 's/ *$//')|g" \
		-e "s|@VERSION@|$REHOST_VERSION|g" "$here/$1"
}

stamp() { find "$@" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }

efi_files() {
	mkdir -p $dest/EFI/BOOT
	cp $live/usr/lib/shim/shimx64.efi.signed $dest/EFI/BOOT/BOOTX64.EFI
	cp $live/usr/lib/shim/mmx64.efi.signed $dest/EFI/BOOT/mmx64.efi
	cp $live/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed $dest/EFI/BOOT/grubx64.efi
	fill_config grub.cfg >$dest/boot/grub/grub.cfg
}

# The EFI system partition inside the ISO: the loaders, and a GRUB menu that
# goes on with the one of the medium that carries this build's id
efi_image() {
	fill_config grub-efi.cfg >/build/grub-efi.cfg
	stamp $dest /build/grub-efi.cfg
	kb=$(du -sk --apparent-size $dest/EFI | cut -f 1)
	mkfs.vfat -C --invariant -i 52454849 -n REHOST-EFI "$esp" $(((kb + 511) / 32 * 32)) >/dev/null
	mmd -i "$esp" ::EFI ::EFI/BOOT ::boot ::boot/grub
	mcopy -m -i "$esp" $dest/EFI/BOOT/BOOTX64.EFI $dest/EFI/BOOT/grubx64.efi $dest/EFI/BOOT/mmx64.efi ::EFI/BOOT/
	mcopy -m -i "$esp" /build/grub-efi.cfg ::boot/grub/grub.cfg
}

bios_files() {
	mkdir $dest/isolinux
	cp $live/usr/lib/ISOLINUX/isolinux.bin $dest/isolinux/
	for module in ldlinux menu libutil; do cp $live/usr/lib/syslinux/modules/bios/$module.c32 $dest/isolinux/; done
	fill_config isolinux.cfg >$dest/isolinux/isolinux.cfg
}

rm -rf $dest
mkdir -p $dest/.disk $dest/boot/grub $dest/rehost
cp /build/out/vmlinuz /build/out/initrd.img $dest/boot/
cp /build/out/base.squashfs /build/out/rehost.squashfs $dest/rehost/
echo "Rehost $REHOST_VERSION, commit $REHOST_COMMIT" >$dest/.disk/info
echo "$id" >"$dest/rehost/$id.id"
(cd $dest && sha256sum boot/vmlinuz boot/initrd.img rehost/*.squashfs) >$dest/rehost/SHA256SUMS
efi_files
efi_image
bios_files
chmod -R u=rwX,go=rX $dest
stamp $dest
xorriso -report_about WARNING -as mkisofs -quiet -r -J -V REHOST -o "$out" -sysid LINUX -p Rehost -publisher Rehost \
	-isohybrid-mbr $live/usr/lib/ISOLINUX/isohdpfx.bin -partition_offset 16 \
	-c isolinux/boot.cat -b isolinux/isolinux.bin -no-emul-boot -boot-load-size 4 -boot-info-table \
	-eltorito-alt-boot -e boot/grub/efi.img -no-emul-boot -isohybrid-gpt-basdat $dest
