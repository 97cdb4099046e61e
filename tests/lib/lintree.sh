# shellcheck shell=sh
# lintree.sh: small installed Linux systems as trees, with real (tiny) ELF
# modules, and initramfs files laid out as their generators document it.
# Modules: ahci for the old controller; virtio_blk (which needs virtio, which
# needs virtio_ring) and nvme for the new ones; nvme names firmware.

# shellcheck disable=SC2034 # tests use it
VER=5.14.0-70.el9.x86_64

# module NAME MODINFO...: NAME.ko, an ELF object with that .modinfo; +SYMBOL is
# exported, -SYMBOL is used (what depmod makes dependencies of)
module() {
	name_=$1
	shift
	{
		echo '#define I(n, s) static const char n[] __attribute__((section(".modinfo"), used, aligned(1))) = s;'
		echo "I(a0, \"name=$name_\") I(a1, \"license=GPL\")"
		i_=2
		for info_; do
			case $info_ in
			+*) echo "const char e${i_}[] __attribute__((section(\"__ksymtab_strings\"), used)) = \"${info_#+}\";" ;;
			-*) echo "void ${info_#-}(void); void u$i_(void); void u$i_(void) { ${info_#-}(); }" ;;
			*) echo "I(a$i_, \"$info_\")" ;;
			esac
			i_=$((i_ + 1))
		done
	} > "$name_.c"
	${CC:-gcc} -c -o "$name_.ko" "$name_.c"
}

modules_made() {
	[ -e mods/nvme.ko ] && return
	mkdir -p mods
	(
		cd mods || exit 1
		module ahci "alias=pci:v*d*sv*sd*bc01sc06i01*"
		module sd_mod "alias=scsi:t-0x00*"
		module virtio_ring +ring_go
		module virtio "depends=virtio_ring" -ring_go +virtio_go
		module virtio_pci "alias=pci:v00001AF4d*sv*sd*bc*sc*i*" "depends=virtio" -virtio_go
		module virtio_blk "alias=virtio:d00000002v*" "depends=virtio" -virtio_go
		module nvme "alias=pci:v*d*sv*sd*bc01sc08i02*" "firmware=test/nvme.bin"
	)
}

# modtree DIR VERSION [COMPRESSOR SUFFIX]: DIR/VERSION with all modules and
# modules.dep & co. as depmod would make them of the real ones
modtree() {
	modules_made
	mkdir -p "$1/$2/kernel/drivers"
	for m_ in ahci sd_mod virtio_ring virtio virtio_pci virtio_blk nvme; do
		${3:-cat} < "mods/$m_.ko" > "$1/$2/kernel/drivers/$m_.ko${4-}"
	done
	k_=kernel/drivers
	x_=.ko${4-}
	printf '%s\n' "$k_/ahci$x_:" "$k_/sd_mod$x_:" "$k_/virtio_ring$x_:" "$k_/virtio$x_: $k_/virtio_ring$x_" \
		"$k_/virtio_pci$x_: $k_/virtio$x_ $k_/virtio_ring$x_" \
		"$k_/virtio_blk$x_: $k_/virtio$x_ $k_/virtio_ring$x_" "$k_/nvme$x_:" > "$1/$2/modules.dep"
	cat > "$1/$2/modules.alias" <<-'EOT'
	# Aliases extracted from modules themselves.
	alias pci:v*d*sv*sd*bc01sc06i01* ahci
	alias scsi:t-0x00* sd_mod
	alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
	alias virtio:d00000002v* virtio_blk
	alias pci:v*d*sv*sd*bc01sc08i02* nvme
	EOT
	: > "$1/$2/modules.softdep"
	: > "$1/$2/modules.builtin"
	: > "$1/$2/modules.builtin.modinfo"
	sed 's/:.*//' "$1/$2/modules.dep" > "$1/$2/modules.order"
}

# linux DIR ID [merged]: a root file system with os-release, an x86-64 program
linux() {
	mkdir -p "$1/etc" "$1/boot" "$1/var/lib"
	if [ "${3-}" = merged ]; then
		mkdir -p "$1/usr/lib" "$1/usr/bin"
		ln -s usr/lib "$1/lib"
		ln -s usr/bin "$1/bin"
	else
		mkdir -p "$1/lib" "$1/bin"
	fi
	printf 'ID=%s\nNAME=%s\nPRETTY_NAME="%s Linux"\nVERSION_ID=1\n' "$2" "$2" "$2" > "$1/etc/os-release"
	printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\003\000\076\000' > "$1/bin/ls"
	mkdir -p "$1/lib/firmware/test"
	echo firmware > "$1/lib/firmware/test/nvme.bin"
	mkdir -p "$1/boot/grub/i386-pc"
	printf 'menuentry a {\n\tlinux /boot/vmlinuz root=/dev/sda1 ro\n\tinitrd /boot/initrd\n}\n' > "$1/boot/grub/grub.cfg"
	: > "$1/boot/grub/i386-pc/normal.mod"
	printf '/dev/sda1 / ext4 defaults 0 1\n' > "$1/etc/fstab"
}

# image TREE OUT COMPRESSOR...: TREE as a cpio through a compressor
image() {
	tree_=$1
	out_=$2
	shift 2
	(cd "$tree_" && find . -mindepth 1 | sort | cpio -o -H newc --quiet) > plain.cpio
	"$@" < plain.cpio > "$out_"
}

# A target with a virtio-blk and an NVMe disk, as `rehost hardware --json` tells.
target_json() {
	cat <<-'EOT'
	{"cpu": {"arch": "x86_64"},
	 "pci": [{"slot": "0000:00:04.0", "class": "010000", "vendor": "1af4", "device": "1042",
	   "modalias": "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00"},
	  {"slot": "0000:00:05.0", "class": "010802", "vendor": "1b36", "device": "0010",
	   "modalias": "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"}],
	 "usb": [], "nics": [],
	 "disks": [{"name": "vda", "controller": "0000:00:04.0", "size": 1,
	   "path": [{"name": "0000:00:04.0", "subsystem": "pci", "driver": "virtio-pci",
	     "modalias": "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00"},
	    {"name": "virtio1", "subsystem": "virtio", "driver": "virtio_blk", "modalias": "virtio:d00000002v00001AF4"}]},
	  {"name": "nvme0n1", "controller": "0000:00:05.0", "size": 1,
	   "path": [{"name": "0000:00:05.0", "subsystem": "pci", "driver": "nvme",
	     "modalias": "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"}]}]}
	EOT
}

# The volumes of a guest with one partition
volumes_json() {
	cat <<-'EOT'
	{"disks": [{"path": "/none/disk", "table": "dos", "id": "12345678", "old_name": "sda", "size": 1073741824, "sector_size": 512}],
	 "volumes": [{"type": "ext4", "uuid": "11111111-2222-3333-4444-555555555555", "partuuid": "12345678-01",
	   "mounted": "/", "disk": 0, "part": 1, "size": 1000000, "start": 1048576}]}
	EOT
}

# unpack FILE DIR: as a kernel does, by foreign tools: each archive of the
# file, whatever it is packed by, over the one before
unpack() {
	/usr/bin/python3 - "$1" "$2" <<-'EOT'
	import subprocess, sys, os
	data = open(sys.argv[1], "rb").read()
	os.makedirs(sys.argv[2], exist_ok=True)
	tools = {b"\x1f\x8b": ["gzip", "-dcq"], b"\xfd7zX": ["xz", "-dcq"], b"\x28\xb5\x2f\xfd": ["zstd", "-dcq"],
	         b"\x02\x21\x4c\x18": ["lz4", "-dcq"], b"BZh": ["bzip2", "-dcq"]}
	# the appended archive is the last one that begins at a multiple of 4 with
	# the magic and holds what only it holds; what is before is one compressed archive
	def cpio(blob):
	    subprocess.run(["cpio", "-idu", "--quiet", "--no-absolute-filenames"], input=blob,
	                   cwd=sys.argv[2], check=True)
	def plain_end(at):
	    while True:
	        assert data[at:at + 6] == b"070701", at
	        size, name = int(data[at + 54:at + 62], 16), int(data[at + 94:at + 102], 16)
	        last = data[at + 110:at + 110 + name - 1] == b"TRAILER!!!"
	        at = (at + 110 + name + 3 & ~3) + (size + 3 & ~3)
	        if last:
	            return at
	at = 0
	while at < len(data):
	    if data[at] == 0:
	        at += 1
	        continue
	    if data[at:at + 6] == b"070701":
	        assert at % 4 == 0, "an archive that is not aligned"
	        end = plain_end(at)
	        cpio(data[at:end])
	        at = end
	        continue
	    tool = next(t for m, t in tools.items() if data[at:].startswith(m))
	    # up to the last plain archive behind it
	    end = at
	    while True:
	        end = data.find(b"070701", end + 1)
	        if end < 0:
	            end = len(data)
	            break
	        try:
	            if end % 4 == 0 and plain_end(end) == len(data):
	                break
	        except (AssertionError, ValueError, IndexError):
	            pass
	    # the zeros behind it are complained of
	    out = subprocess.run(tool, input=data[at:end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
	    cpio(out.stdout)
	    at = end
	EOT
}
