# choose-modules.awk: prints the paths of the kernel modules that a list chooses
# and of all that those depend on.  awk -v list=LIST -f choose-modules.awk
# modules.dep modules.softdep LIST; the list's form stands in rootfs/modules.list.
# Fails, naming the line, when a line of the list matches no module.
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
}
