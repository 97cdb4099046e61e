#!/bin/sh
# Where drivers for a Windows come from: --drivers, a folder beside the image, one on
# the live medium; what rehost hands on, with stand-ins for mount.cifs and rehost-adapt.
# rehost-test: san
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
. "$REHOST_TOP/tests/lib/lintree.sh"
requires mke2fs gcc
export REHOST_RUN_DIR="$PWD/run" REHOST_MEDIUM="$PWD/medium"
linux guest debian merged
mkdir -p medium given pack.iso
: > given/x.inf
: > given/readme.txt

# ---- rehost-adapt: what it refuses, and what it tells
notes() { # EXPECTED: of those about drivers, in the document
	got=$(json out '[n for n in d["notes"] if "drivers" in n]')
	[ "$got" = "$1" ] || fail "notes: $got, not $1"
}
dry() { # STATUS OPTIONS...
	want=$1
	shift
	expect_status "$want" rehost-adapt --dry-run --json --profile kvm --root guest "$@"
}
st=$(status_of rehost-adapt --dry-run --json --profile kvm --root guest)
notes "[]"
dry "$st" --drivers given --drivers given/x.inf --drivers pack.iso
notes "[]"
mkdir medium/drivers
dry "$st"
notes "['drivers for a Windows are also looked for in $PWD/medium/drivers (on the live medium)']"
dry "$st" --drivers medium/../medium/drivers       # asked for: no note
notes "[]"
status_of rehost-adapt --dry-run --profile kvm --root guest > st
grep -q "^note: drivers for a Windows are also looked for in $PWD/medium/drivers" out || fail "$(cat out)"
dry 2 --drivers given/readme.txt
grep -q "given/readme.txt: give a folder, or a file .inf, .zip, .cab or .iso" err || fail "$(cat err)"
dry 2 --drivers given --drivers nowhere
grep -q "nowhere: No such file" err || fail "$(cat err)"
dry 2 --drivers http://host/virtio-win.iso
dry 2 --drivers smb://user:s3cret@host/share/drivers
! grep -q s3cret err || fail "the password was told: $(cat err)"
expect_status 2 rehost-adapt --undo --root guest --drivers given
set --
for i in $(seq 33); do set -- "$@" --drivers "given$i"; done
dry 2 "$@"
grep -q "can be given 32 times" err || fail "$(cat err)"
expect_status 2 rehost restore --adapt --profile kvm "$@" a.rhi t.img
grep -q "can be given 32 times" err || fail "$(cat err)"

# ---- a place lists what could be given
: > pack.iso/Virtio-Win.ISO
: > pack.iso/a.cab
: > pack.iso/b.txt
mkdir pack.iso/w11
expect_status 0 rehost place --json --read-only pack.iso
[ "$(json out '[d["drivers"], d["directories"], d["images"]]')" = "[['Virtio-Win.ISO', 'a.cab'], ['w11'], []]" ] ||
	fail "$(cat out)"

# ---- rehost restore --adapt: the same, mounted once, for both runs
mkdir bin fake server
cp "$(command -v rehost)" bin/
export LOG="$PWD/log" SERVER="$PWD/server"
cat > bin/rehost-adapt <<'END'
#!/bin/sh
echo "adapt $*" >> "$LOG"
prev=
for a; do
	[ "$prev" != --drivers ] || [ ! -d "$a" ] || echo "there: $(ls "$a")" >> "$LOG"
	prev=$a
done
case "$*" in
--dry-run*) echo '{"systems":[{"name":"W","root":"x","verdict":"boots-after-edits"}],"notes":[]}' ;;
esac
END
cat > fake/mount.cifs <<'END'
#!/bin/sh
echo "mount $1" >> "$LOG"
case $4 in *credentials=*) c=${4#*credentials=}; grep -q password=s3cret "${c%%,*}" && echo "password" >> "$LOG" ;; esac
cp -a "$SERVER/." "$2/"
END
printf '#!/bin/sh\nfind "$1" -mindepth 1 -delete\n' > fake/umount
chmod +x bin/rehost-adapt fake/*
fill_ext d.img 8
rehost capture d.img server/a.rhi 2>err
mkdir -p server/drivers/viostor server/other
: > server/drivers/viostor/viostor.inf
: > server/other/netkvm.inf
: > server/virtio-win.iso
restore() { # STATUS OPTIONS...
	rm -f t.img log
	want=$1
	shift
	REHOST_USERNAME=u REHOST_PASSWORD=s3cret PATH=$PWD/fake:$PATH \
		expect_status "$want" bin/rehost restore --yes --adapt --profile kvm "$@" t.img
	! grep -rq s3cret log err || fail "the password was handed on"
	! find run -mindepth 1 2>ls.err | grep . || fail "left behind in the run directory"
}
restore 0 --drivers smb://nas/share/other --drivers smb://nas/share/virtio-win.iso --drivers given smb://nas/share/a.rhi
[ "$(grep -c '^mount //nas/share$' log)" = 3 ] && [ "$(grep -c '^password' log)" = 3 ] || fail "$(cat log)"
sed -i "s|$REHOST_RUN_DIR/place-......|PLACE|g" log
all="--drivers PLACE/other --drivers PLACE/virtio-win.iso --drivers given --drivers PLACE/drivers --drivers $PWD/medium/drivers"
grep -q -- "^adapt --dry-run --json --profile kvm $all --old-hardware .* -- PLACE/a.rhi$" log || fail "$(cat log)"
grep -q -- "^adapt --yes --profile kvm $all --old-hardware .* -- t.img$" log || fail "$(cat log)"
[ "$(grep -c 'there: viostor' log)" = 2 ] && [ "$(grep -c 'there: netkvm.inf' log)" = 2 ] || fail "$(cat log)"
grep -q "^note: .* looked for in smb://nas/share/drivers (beside the image)" err || fail "$(cat err)"
# a local image
restore 0 server/a.rhi
grep -q -- "^adapt --yes --profile kvm --drivers server/drivers --drivers $PWD/medium/drivers " log || fail "$(cat log)"
rm -r server/drivers medium/drivers
restore 0 server/a.rhi
! grep -q -- --drivers log || fail "$(cat log)"
# nothing is written where a folder is missing
restore 2 --drivers nowhere server/a.rhi
[ ! -e t.img ] && [ ! -e log ] || fail "it went on"
expect_status 2 bin/rehost restore --drivers given server/a.rhi t.img
grep -q -- "--drivers belongs to --adapt" err || fail "$(cat err)"

# ---- a real mount, where there may be one
[ "$(id -u)" = 0 ] || skip "all passed but dev://, which needs root"
fill_ext stick.img 8
dev=$(losetup -f --show stick.img 2>err) || skip "all passed but dev://: no loop device: $(cat err)"
at_exit "losetup -d $dev"
sum=$(sha256sum < stick.img)
dry "$st" --drivers "dev://$dev/home" --drivers "dev://$dev"
dry 2 --drivers "dev://$dev/nowhere"
! grep -q " $PWD/run" /proc/self/mountinfo || fail "still mounted: $(cat /proc/self/mountinfo)"
! find run -mindepth 1 | grep . || fail "left behind in the run directory"
[ "$sum" = "$(sha256sum < stick.img)" ] || fail "the stick was written to"
