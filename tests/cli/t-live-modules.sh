#!/bin/sh
# The live system's module lists: folders, single modules, exclusions, hard and
# soft dependencies; a line that matches nothing is an error that names it.
. "$REHOST_TOP/tests/lib/lib.sh"
requires awk
cat >modules.dep <<'EOF'
kernel/drivers/ata/ahci.ko: kernel/drivers/ata/libahci.ko kernel/drivers/ata/libata.ko
kernel/drivers/ata/libahci.ko: kernel/drivers/ata/libata.ko
kernel/drivers/ata/libata.ko:
kernel/drivers/ata/pata_old.ko: kernel/drivers/ata/libata.ko
kernel/fs/btrfs/btrfs.ko: kernel/lib/raid6_pq.ko
kernel/lib/raid6_pq.ko:
kernel/crypto/crc32c-soft.ko: kernel/crypto/helper.ko
kernel/crypto/helper.ko:
kernel/drivers/usb/usb-storage.ko:
EOF
echo 'softdep btrfs pre: crc32c_soft absent post: usb-storage' >modules.softdep
choose() { awk -v list=list -f "$REHOST_TOP/rootfs/choose-modules.awk" modules.dep modules.softdep list | sort; }

printf '%s\n' '# storage' drivers/ata/ -pata_old >list
choose >got
printf 'kernel/drivers/ata/%s.ko\n' ahci libahci libata | diff - got || fail "a folder without one of its modules"

# names with - and _ are the same; soft dependencies bring theirs along
printf '%s\n' btrfs >list
choose >got
printf 'kernel/%s.ko\n' crypto/crc32c-soft crypto/helper drivers/usb/usb-storage fs/btrfs/btrfs lib/raid6_pq |
	diff - got || fail "soft dependencies"
printf '%s\n' usb_storage >list
[ "$(choose)" = kernel/drivers/usb/usb-storage.ko ] || fail "usb_storage is usb-storage"

# what is excluded still comes if another needs it
printf '%s\n' ahci -libata >list
choose | grep -q libata || fail "a dependency was left out"

for wrong in nosuch drivers/nosuch/ -nosuch; do
	printf '%s\n' ahci '' "$wrong" >list
	if awk -v list=list -f "$REHOST_TOP/rootfs/choose-modules.awk" modules.dep modules.softdep list >got 2>err; then
		fail "'$wrong' matches nothing and was taken"
	fi
	grep -q "list: line 3: .*${wrong#-}" err || fail "the message does not name the line: $(cat err)"
	[ ! -s got ] || fail "modules were printed though the list is wrong"
done
