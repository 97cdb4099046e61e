#!/bin/sh
# t-machine.sh: the directory of a machine with several disks: info, verify and
# restore of all its images; what is wrong with one stops all before a byte is
# written.  What machine.json says is not trusted.
# rehost-test: san only
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/disks.sh"
requires sfdisk e2fsck
disk() { # FILE MB LABEL: one ext4 partition
	truncate -s $(($2 + 2))M "$1"
	printf 'label: dos\nstart=2048, size=%s\n' $(($2 * 2048)) | sfdisk -q "$1"
	fill_ext part_ "$2" "$3"
	put part_ "$1" 1
}
disk a.img 8 one
disk b.img 9 two
truncate -s 4M c.img
head -c 1000000 /dev/urandom | dd of=c.img conv=notrunc status=none
expect_status 0 rehost capture --no-systems a.img b.img c.img m

# --- told together
expect_status 0 rehost info --json m
[ "$(json out '[(x["name"], x["complete"], x["disk_size"]>>20) for x in d["images"]]')" = \
	"[('a.img.rhi', True, 10), ('b.img.rhi', True, 11), ('c.img.rhi', True, 4)]" ] || fail "$(cat out)"
[ "$(json out '"pci" in d["hardware"]')" = True ] || fail "the machine isn't told"
expect_status 0 rehost info m
[ "$(grep -c '^[abc].img.rhi: image of' out)" = 3 ] || fail "$(cat out)"
expect_status 0 rehost verify --json --events-fd 5 m/ 5>ev
[ "$(json out '(d["ok"], [x["ok"] for x in d["images"]])')" = "(True, [True, True, True])" ] || fail "$(cat out)"
grep '"event":"start"' ev | tail -n 1 | grep -q '"disk":3,"disks":3' || fail "$(cat ev)"

# --- restored together, in the list's order
expect_status 0 rehost restore --events-fd 5 m a.new b.new c.new 5>ev
[ "$(grep -c '"event":"done"' ev)" = 3 ] || fail "$(cat ev)"
for d in a b c; do same_used $d.img $d.new; done
part b.new 1 9 fs
e2fsck -fn fs >out 2>&1 || { cat out; fail "e2fsck"; }
# named by its list; a place tells that it is one
for name in m/machine.json "$PWD/m/machine.json"; do
	expect_status 0 rehost info --json "$name"
	[ "$(json out 'len(d["images"])')" = 3 ] || fail "$(cat out)"
done
(cd m && expect_status 0 rehost verify machine.json)
rm m/out m/err
expect_status 0 rehost place --json m
[ "$(json out 'd["machine"]')" = "['a.img.rhi', 'b.img.rhi', 'c.img.rhi']" ] || fail "$(cat out)"
# some of them, by name, over what is there
cp b.img old_b
head -c $((11 << 20)) /dev/urandom >B
cp b.img A # larger than a.img
expect_status 0 rehost restore --yes --verify m b.img.rhi=B a.img=A
same_used b.img B
same_used a.img A

# --- interrupted in the middle: the same command goes on with all
cp m/b.img.rhi good
/usr/bin/python3 - <<'END'
d = bytearray(open("m/b.img.rhi", "rb").read())
d[len(d) * 2 // 3] ^= 1
open("m/b.img.rhi", "wb").write(d)
END
rm a.new b.new c.new
expect_status 1 rehost restore m a.new b.new c.new
grep -q 'b.new is kept.*--resume goes on there (disk 2 of 3' err || fail "$(cat err)"
[ -e a.new ] && [ ! -e c.new ] || fail "$(ls)"
cp good m/b.img.rhi
touch -d 2001-01-01 a.new
cp b.new b.half
# not: without a mark, with another image's, unasked
head -c $((4 << 20)) /dev/urandom >C
cp C C.old
expect_status 4 rehost restore --yes --resume m/b.img.rhi C
expect_status 4 rehost restore --yes --resume m a.new x.new C
grep -q 'on none of these disks is an interrupted restore' err || fail "$(cat err)"
expect_status 4 rehost restore --yes --resume m b.new a.new C
grep -q 'which is another image than this one' err || fail "$(cat err)"
expect_status 4 rehost restore --resume m a.new b.new C
grep -q 'there is no terminal' err || fail "$(cat err)"
grep -q 'a.img.rhi goes to this one, which will be made equal' err || fail "$(cat err)"
grep -q 'b.img.rhi goes to this one, whose interrupted restore goes on' err || fail "$(cat err)"
cmp b.new b.half && cmp C C.old && [ ! -e x.new ] || fail "something was written"
expect_status 0 rehost restore --yes --resume --verify m a.new b.new c.new
for d in a b c; do same_used $d.img $d.new; done
[ "$(stat -c %Y a.new)" = "$(date -d 2001-01-01 +%s)" ] || fail "what was complete was written to"
# over what is on the disks that weren't begun
cp b.half b.new
expect_status 0 rehost restore --yes --resume m a.new b.new C
for f in a.new b.new C; do same_used "$(echo $f | tr C c | cut -c1).img" $f; done

# --- refused as a whole
random() { head -c $(($2 << 20)) /dev/urandom >"$1"; }
random A 10
random B 11
random C 3
sha256sum A B C >sums
none() { # STATUS TEXT COMMAND...
	st_=$1 text_=$2
	shift 2
	expect_status "$st_" "$@"
	grep -qF "$text_" err || fail "it isn't said that \"$text_\": $(cat err)"
	sha256sum -c --quiet sums || fail "something was written"
	for f in new1 new2; do [ ! -e $f ] || fail "$f was made"; done
}
none 4 'C is too small' rehost restore --yes m A B C
none 4 'A and ./A are the same disk' rehost restore --yes m A ./A new1
none 4 'new1 and new1 are the same disk' rehost restore --yes m new1 new1 A
none 4 'there is no terminal' rehost restore m A B new1
grep -q '^b.img.rhi goes to:' err || fail "what goes where isn't said: $(cat err)"
none 2 'there are 3 images and 2 disks' rehost restore --yes m A B
grep -q 'a.img.rhi (10 MB), b.img.rhi' err || fail "$(cat err)"
none 2 'C=B: give' rehost restore --yes m c.img.rhi=A C=B
none 2 'b.img=B: give IMAGE=DISK' rehost restore --yes m b.img=A b.img=B
none 2 'one image goes to one disk' rehost restore --yes m/a.img.rhi A B
none 2 'once for each disk' rehost restore --yes --expect-serial x m A B new1
none 4 'not the disk that was meant' rehost restore --yes --expect-serial x --expect-serial y m a.img=A b.img=B
none 1 'machine.json is not there' rehost restore --yes . A B
# the image of one on the disk of another
mkdir n
random large 6
expect_status 0 rehost capture --no-systems c.img large n
none 4 'n/large.rhi is the image itself' rehost restore --yes n n/large.rhi new1
expect_status 0 rehost verify n
rm -r n
cp -r m n
# one that isn't complete, or isn't the one that was captured with the others
truncate -s -1 n/c.img.rhi
none 1 'c.img.rhi' rehost restore --yes n A B new1
expect_status 1 rehost verify --json n
[ "$(json out '(d["ok"], [x["ok"] for x in d["images"]])')" = "(False, [True, True, False])" ] || fail "$(cat out)"
expect_status 1 rehost info --json n
[ "$(json out '[x["complete"] for x in d["images"]]')" = "[True, True, False]" ] || fail "$(cat out)"
rm n/c.img.rhi
expect_status 1 rehost info n
[ "$(grep -c '^[abc].img.rhi: ' out)" = 3 ] || fail "$(cat out)"
expect_status 0 rehost capture --no-systems c.img n/c.img.rhi
none 4 "isn't the image that machine.json lists" rehost restore --yes n A B new1
expect_status 4 rehost verify n
expect_status 4 rehost info n

# --- a list by somebody else
hostile() { # TEXT JSON
	printf '%s' "$2" >n/machine.json
	none 1 "$1" rehost restore --yes n A
}
for name in ../m/a.img.rhi /etc/x.rhi .x.rhi '' x 'a\nb.rhi' .rhi; do
	hostile "isn't the name of an image" "{\"format\":1,\"disks\":[{\"image\":\"$name\"}]}"
done
hostile "isn't the name of an image" '{"format":1,"disks":[{"image":5}]}'
hostile "isn't the name of an image" '{"format":1,"disks":[7]}'
hostile 'lists one image twice' '{"format":1,"disks":[{"image":"a.img.rhi"},{"image":"a.img.rhi"}]}'
hostile 'lists 0 disks' '{"format":1,"disks":{}}'
expect_status 1 rehost info n
expect_status 1 rehost verify n
hostile 'of another version' '{"format":2,"disks":[]}'
hostile 'of another version' '[]'
hostile 'machine.json' '{"format":1,'
hostile 'lists 400 disks' "{\"format\":1,\"disks\":[$(printf '{"image":"%s.rhi"},' $(seq 399)){}]}"
rm n/machine.json
mkdir n/machine.json
none 1 'machine.json' rehost restore --yes n A
