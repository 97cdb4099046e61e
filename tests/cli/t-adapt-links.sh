#!/bin/sh
# rehost-test: san
# A guest's symbolic links never lead rehost-adapt out of the guest, and what
# a guest says is shown without what could steer a terminal.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/guest.sh"
requires mke2fs

# a link to a file of this machine finds nothing...
echo 'PRETTY_NAME="this machine"' > outside
mkdir -p tree/etc
ln -s "$PWD/outside" tree/etc/os-release
ln -s /etc/hostname tree/etc/hostname
ext fs.img 4M tree -t ext4
found fs.img
is 'len(s)' 0
# ... unless the guest has it at that place itself
mkdir -p "tree$PWD"
echo 'PRETTY_NAME="the guest"' > "tree$PWD/outside"
ext fs.img 4M tree -t ext4
found fs.img
is '[s[0]["name"], s[0]["hostname"]]' "['the guest', None]"

# a target too long for the inode lies in a block of its own
rm tree/etc/os-release
long=$(printf 'a%.0s' $(seq 1 200))
mkdir "tree/$long"
echo 'PRETTY_NAME=long' > "tree/$long/file"
ln -s "../$long/../$long/./file" tree/etc/os-release
ext fs.img 4M tree -t ext4
found fs.img
is 's[0]["name"]' long

# loops end
rm tree/etc/os-release
ln -s os-release tree/etc/os-release
ext fs.img 4M tree -t ext4
found fs.img
is 'len(s)' 0

# hostile text
rm tree/etc/os-release
printf 'PRETTY_NAME="\033[2Jevil\\"quoted\\" \377 \302\233"\nVERSION_ID='\''a b'\''\nID=%s\n' "$(printf 'x%.0s' $(seq 1 999))" > tree/etc/os-release
ext fs.img 4M tree -t ext4
found fs.img
is 's[0]["name"]' '?[2Jevil"quoted" ? ??'
is '[s[0]["version"], len(s[0]["id"])]' "['a b', 159]"
expect_status 0 rehost-adapt --detect fs.img
LC_ALL=C grep -q "$(printf '\033')" out && fail "an escape sequence reached the terminal"

# a file of 1 GB in os-release's place is read in part only
rm tree/etc/os-release
ext fs.img 4M tree -t ext4
truncate -s 1G big
printf 'PRETTY_NAME=sparse\n' | dd of=big conv=notrunc 2>dd.log
debugfs -w -R 'write big /etc/os-release' fs.img > debugfs.log 2>&1
found fs.img
is 's[0]["name"]' sparse
