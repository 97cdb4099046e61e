#!/bin/sh
# modules.sh LIST DEST: copies the kernel modules that LIST chooses, and those
# that they depend on, from the unpacked packages to DEST/usr/lib/modules and
# indexes them.  Runs in the build root.
set -eu
list=${1:?usage: modules.sh LIST DEST} dest=${2:?usage: modules.sh LIST DEST}
live=/srv/live
ver=$(ls $live/usr/lib/modules)
from=$live/usr/lib/modules/$ver
to=$dest/usr/lib/modules/$ver

awk -v list="$list" '
function base(p) { sub(/.*\//, "", p); sub(/\.ko$/, "", p); gsub(/-/, "_", p); return p }
FILENAME ~ /modules.dep$/ {
	split($0, half, ":"); path = half[1]; deps[path] = half[2]; by[base(path)] = path; next
}
FILENAME ~ /modules.softdep$/ && $1 == "softdep" {
	for (i = 3; i <= NF; i++) if ($i !~ /:$/) soft[base($2)] = soft[base($2)] " " $i
	next
}
FILENAME == list && NF {
	if ($1 ~ /^#/) next
	word = $1; put = sub(/^-/, "", word) ? 0 : 1; hit = 0
	if (word ~ /\//) {
		for (p in deps) if (index(p, "kernel/" word) == 1) { chosen[p] = put; hit = 1 }
	} else if (base(word) in by) { chosen[by[base(word)]] = put; hit = 1 }
	if (!hit) { printf "modules: %s: line %d: no module matches \"%s\"\n", list, FNR, word >"/dev/stderr"; bad = 1 }
}
function take(p,   n, d, i) {
	if (p in out) return
	out[p] = 1
	n = split(deps[p], d, " "); for (i = 1; i <= n; i++) take(d[i])
	n = split(soft[base(p)], d, " "); for (i = 1; i <= n; i++) if (base(d[i]) in by) take(by[base(d[i])])
}
END {
	if (bad) exit 1
	for (p in chosen) if (chosen[p]) take(p)
	for (p in out) print p
}' "$from/modules.dep" "$from/modules.softdep" "$list" >/build/modules.tmp
LC_ALL=C sort -o /build/modules.tmp /build/modules.tmp
mkdir -p "$to"
[ -e "$dest/lib" ] || ln -s usr/lib "$dest/lib"
(cd "$from" && cpio -pdm --quiet "$to" </build/modules.tmp)
cp "$from/modules.builtin" "$from/modules.builtin.modinfo" "$from/modules.order" "$to/"
# only depmod's plain-text and binary indexes of the chosen ones
depmod -b "$dest" "$ver"
echo "  MODS $(wc -l </build/modules.tmp) modules for $dest"
rm /build/modules.tmp
