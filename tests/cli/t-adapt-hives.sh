#!/bin/sh
# rehost-test: san only
# What rehost-adapt says of real registry hives is what reglookup and
# hivexregedit read in them; from damaged ones it reads nothing, and says so.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/guest.sh"
requires mkntfs xz reglookup hivexregedit
hives=$(fixture hives)

mkdir -p tree/Windows/System32/config
config=tree/Windows/System32/config
# of the hive SYSTEM
reg() {
	reglookup -p "$1" SYSTEM 2>reg.err | grep -F "$1," | cut -d, -f3
}
for dir in nt4-sp3-server winxp-sp3-x86 win7-sp1-x86 win81-x64-dirty-nologs win10-1709-x64-dirty; do
	rm -f $config/* SYSTEM
	if [ -e "$hives/$dir/system" ]; then cp "$hives/$dir/system" SYSTEM
	else xz -dkc "$hives/$dir/SYSTEM.xz" > SYSTEM; fi
	cp SYSTEM $config/
	[ ! -e "$hives/$dir/software" ] || cp "$hives/$dir/software" $config/
	ntfs fs.img 48M tree
	found fs.img
	set=$(printf 'ControlSet%03d' "$(reg /Select/Current)")
	is 's[0]["current_control_set"]' "$set"
	is 's[0]["hostname"]' "$(reg "/$set/Control/ComputerName/ComputerName/ComputerName")"
	is '{"x86": "x86", "x64": "AMD64"}[s[0]["arch"]]' \
		"$(reg "/$set/Control/Session Manager/Environment/PROCESSOR_ARCHITECTURE")"
	is '"\n".join(s[0]["control_sets"])' \
		"$(hivexregedit --unsafe-printable-strings --export SYSTEM "\\" 2>reg.err | tr -d '\r' | grep -aoE '^\[.ControlSet[0-9]{3}\]' | tr -dc 'A-Za-z0-9\n')"
	is 's[0]["fast_startup"]' "$(case "$(reg "/$set/Control/Session Manager/Power/HiberbootEnabled")" in
		0x00000001) echo True ;; 0x00000000) echo False ;; *) echo None ;; esac)"
	case $dir in *dirty*) dirty="['SYSTEM']" ;; *) dirty='[]' ;; esac
	is 's[0]["dirty_hives"]' "$dirty"
	echo "$dir: ok"
done

# the one SOFTWARE hive there is
cp "$hives/nt4-sp3-server/software" .
rm $config/*
cp "$hives/nt4-sp3-server/system" software $config/
ntfs fs.img 16M tree
found fs.img
value() {
	reglookup -p "/Microsoft/Windows NT/CurrentVersion/$1" software 2>reg.err | grep -F "CurrentVersion/$1," | cut -d, -f3
}
is 's[0]["build"]' "$(value CurrentBuildNumber)"
is 's[0]["version"]' "$(value CurrentVersion)"
is 's[0]["service_pack"]' "$(value CSDVersion)"
is 's[0]["name"]' 'Windows NT 4.0'

# damaged and strange ones: no crash, status 0, and the other hive still tells
n=0
for file in "$hives"/odd/*; do
	rm -f $config/*
	cp "$file" $config/SYSTEM
	cp software $config/
	ntfs fs.img 16M tree
	found fs.img
	is '[len(s), s[0]["name"]]' "[1, 'Windows NT 4.0']"
	is 'len(s[0]["notes"]) > 0' True
	n=$((n + 1))
done
[ $n -gt 10 ] || fail "only $n strange hives"

# cut off at many places
size=$(wc -c < "$hives/nt4-sp3-server/system")
for part in 0 100 4096 5000 8192 $((size / 3)) $((size / 2)) $((size - 4096)) $((size - 1)); do
	rm -f $config/*
	head -c "$part" "$hives/nt4-sp3-server/system" > $config/SYSTEM
	cp software $config/
	ntfs fs.img 16M tree
	found fs.img
	is '["damaged" in n or "too few" in n for n in s[0]["notes"]]' '[True]'
done
