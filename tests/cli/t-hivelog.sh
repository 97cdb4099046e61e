#!/bin/sh
# rehost-test: san only
# rehost-adapt reads a dirty registry hive with what its transaction logs hold,
# whatever their kind and the case of their names, and says so; where the logs
# do not help it reads the hive as it is, and says why.
. "$REHOST_TOP/tests/lib/lib.sh"
. "$REHOST_TOP/tests/lib/guest.sh"
requires mkntfs

config=tree/Windows/System32/config
mkdir -p $config
software_hive $config/SOFTWARE '{"ProductName": "Windows 10 Pro"}'
system_hive before STALE AMD64
system_hive after FRESH AMD64
# a page of the hive that only the logs have
hive larger <<END
{"Select": {"Current": 2}, "ControlSet001": {}, "ControlSet003": {}, "MountedDevices": {}, "ControlSetX": {},
 "ControlSet002\\\\Control\\\\ComputerName\\\\ComputerName": {"ComputerName": "FRESH"},
 "ControlSet002\\\\Services": {$(seq -f '"%g": "a value that takes up some room"' -s , 60)}}
END
# made KIND [NEW]: SYSTEM, made dirty so that NEW comes of it
made() {
	rm -rf $config/SYSTEM* $config/system*
	cp before $config/SYSTEM
	/usr/bin/python3 "$REHOST_TOP/tests/lib/mkhivelog.py" $config/SYSTEM "${2-after}" "$1"
}
# seen NAME REPLAYED TEXT: in SYSTEM; TEXT is in the one note
seen() {
	ntfs fs.img 8M tree
	found fs.img
	is '[s[0][k] for k in ("hostname", "dirty_hives", "replayed_hives")]' "['$1', ['SYSTEM'], $2]"
	is "[len(s[0]['notes']), '''$3''' in s[0]['notes'][0]]" '[1, True]'
}
for kind in old xp new torn; do
	made $kind
	seen FRESH "['SYSTEM']" "changed pages in its transaction logs."
done
for kind in old new split; do
	made $kind larger
	seen FRESH "['SYSTEM']" "changed pages in its transaction logs."
done

# names as Windows XP writes them
made xp
mv $config/SYSTEM $config/system
mv $config/SYSTEM.LOG $config/system.LOG
seen FRESH "['SYSTEM']" "changed pages"
# LOG is only looked at where LOG1 and LOG2 are empty
made xp
: > $config/SYSTEM.LOG1
: > $config/SYSTEM.LOG2
seen FRESH "['SYSTEM']" "changed pages"
made xp
head -c 512 /dev/zero > $config/SYSTEM.LOG1
seen STALE "[]" "SYSTEM.LOG1: it is empty; "

# transactions that were open: told
made locked
seen FRESH "['SYSTEM']" "but not transactions that were still open"
made cut
seen FRESH "['SYSTEM']" "logs, up to an entry that is damaged."
made stale
seen STALE "[]" "are older than the hive"
made new
rm $config/SYSTEM.LOG*
seen STALE "[]" "(sequence numbers 41 and 40) and its transaction logs do not help: there are none"
made new
rm $config/SYSTEM.LOG1
mkdir $config/SYSTEM.LOG1
seen STALE "[]" "SYSTEM.LOG1 is not a regular file"
made torn
rm $config/SYSTEM.LOG1
seen STALE "[]" "an invalid base block"
# no hive at all, and no log either: as ever
: > $config/SYSTEM
ntfs fs.img 8M tree
found fs.img
is '[s[0]["hostname"], s[0]["name"], "too few" in s[0]["notes"][0]]' "[None, 'Windows 10 Pro', True]"

# a clean hive with old logs beside it: nothing is said
made new
cp before $config/SYSTEM
ntfs fs.img 8M tree
found fs.img
is '[s[0][k] for k in ("hostname", "dirty_hives", "replayed_hives", "notes")]' "['STALE', [], [], []]"

# a real one: Windows 10, 24 entries in two logs
hives=$(fixture hives)
rm -rf $config/SYSTEM*
for f in SYSTEM SYSTEM.LOG1 SYSTEM.LOG2; do
	xz -dkc "$hives/win10-1709-x64-dirty/$f.xz" > $config/$f
done
sum=$(cat $config/SYSTEM* | sha256sum)
ntfs fs.img 48M tree
found fs.img
is 's[0]["replayed_hives"]' "['SYSTEM']"
is '[n for n in s[0]["notes"] if "315 changed pages" in n and "transactions" in n] != []' True
[ "$sum" = "$(cat $config/SYSTEM* | sha256sum)" ] || fail "the hive was written to"
