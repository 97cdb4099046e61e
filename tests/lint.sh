#!/bin/sh
# lint.sh: shell scripts by shellcheck, who may include whom, sizes of files
# and functions.  Prints every finding; fails if there is one.
cd "$(dirname "$0")/.." || exit 1
bad=0
found() {
	echo "$*"
	bad=1
}
# With git the tracked and new files, else (a source archive) all.
files() {
	git ls-files -co --exclude-standard 2>/dev/null ||
		find . -path ./build -prune -o -path ./cache -prune -o -type f -print | sed 's|^\./||'
}
existing() {
	while read -r f; do [ -f "$f" ] && echo "$f"; done
}
c_files=$(files | grep '\.[ch]$' | existing)
all=$(files | existing)

# --- shell
scripts=$(echo "$all" | grep -vE '\.(md|[ch]|gz|xz)$|corpus/' | LC_ALL=C xargs awk '
	FNR == 1 { if (FILENAME ~ /\.sh$/ || /^#! ?(\/usr)?\/bin\/(env )?(ba|da)?sh/) print FILENAME; nextfile }')
if [ -n "$scripts" ]; then
	# those that are only read by others (.) have no #! line: sh
	# shellcheck disable=SC2046,SC2086
	shellcheck -s sh -S warning -e SC1090,SC1091,SC3043,SC3045,SC2317 $(grep -L '^#!' $scripts) tests/lib/lib.sh || bad=1
	# shellcheck disable=SC2046,SC2086
	shellcheck -S warning -e SC1090,SC1091,SC3043,SC3045,SC2317 $(grep -l '^#!' $scripts) || bad=1
fi

# --- layering: only FILES may have a line that matches PATTERN
only() { # PATTERN ALLOWED_FILES_REGEX WHY
	for f in $(echo "$c_files" | xargs grep -lE "$1" | grep -vE "$2"); do
		found "$f: $3"
	done
}
inc='^[[:space:]]*#[[:space:]]*include[[:space:]]*'
only "$inc<(ncursesw?/)?n?curses\.h>" '^tui/(term|draw)\.c$' '<curses.h> belongs in tui/term.c and tui/draw.c alone'
only "$inc<hivex\.h>" '^drivers-inject/hive-int\.h$' '<hivex.h> belongs in drivers-inject/hive-int.h alone'
only "$inc\"drivers-inject/hive-int\.h\"" '^drivers-inject/hive(-edit|-find)?\.c$' 'only hive.c, hive-find.c and hive-edit.c know libhivex'
only "$inc<archive(_entry)?\.h>" '^drivers-inject/windows/pack\.c$' '<archive.h> belongs in drivers-inject/windows/pack.c alone'
only "$inc<mspack\.h>" '^drivers-inject/windows/(pack-ms|cabinet)\.c$' '<mspack.h> belongs in pack-ms.c and cabinet.c alone'
only "$inc\"imager/fmt/disk\.h\"" '^(imager/fmt|tests)/' 'imager/fmt/disk.h belongs to imager/fmt alone'
only "$inc\"imager/fs/" '^(imager/[^/]*\.[ch]|imager/(fs|part|container)/|drivers-inject/|tests/)' 'fs, fmt and store do not include each other'
only "$inc\"imager/fmt/" '^(imager/[^/]*\.[ch]|imager/fmt/|drivers-inject/|tests/)' 'fs, fmt and store do not include each other'
only "$inc\"imager/store/" '^(imager/[^/]*\.[ch]|imager/store/|tests/)' 'fs, fmt and store do not include each other'
only "$inc\"drivers-inject/" '^(drivers-inject|tests)/' 'only drivers-inject includes its headers'
only "$inc\"tui/" '^(tui|tests)/' 'only tui includes its headers'
for f in $(echo "$c_files" | grep '^common/' | xargs grep -lE "$inc\"(imager|drivers-inject|tui)/"); do
	found "$f: common includes nobody"
done
for f in $(echo "$c_files" | grep '^tui/' | xargs grep -lE "$inc\"(imager|drivers-inject)/"); do
	found "$f: the wizard runs the programs, it does not link them"
done
for f in $(echo "$c_files" | grep -E '^imager/(dev|part|fs|container|fmt|store)/' |
	xargs grep -lE '(^|[^a-z_])(printf|puts|perror|fprintf|vfprintf|exit|abort)\('); do
	found "$f: a library neither prints nor exits"
done
# what is printed by the rest of imager/ goes to a FILE that a command gives it
for f in $(echo "$c_files" | grep -E '^imager/[^/]*\.c$' | grep -vE '^imager/(cmd-[a-z-]*|main|report)\.c$' |
	xargs grep -lE '(^|[^a-z_])((printf|puts|perror|exit|abort)\(|stdout|stderr)'); do
	found "$f: only commands print, others are given a FILE"
done

# --- no unfinished work; the pattern is split so that it does not find itself
for f in $(echo "$all" | grep -vE '\.(gz|xz|bz2|png)$|corpus/' | xargs grep -lE 'TO''DO|FIX''ME|XX''X[: ]'); do
	found "$f: unfinished: $(grep -nE 'TO''DO|FIX''ME|XX''X[: ]' "$f" | head -n 1)"
done

# --- sizes: a file up to 600 lines, a function up to 120, and most far smaller.
# A function is what lies between a "{" and a "}" in the first column.
echo "$c_files" | xargs awk '
	FNR == 1 && !/^\/\*/ { print FILENAME ": does not begin with a comment that says what it is"; bad = 1 }
	FNR == 601 { print FILENAME ": the limit is 600 lines"; bad = 1 }
	END { exit bad }' || bad=1
sizes=$(echo "$c_files" | grep '\.c$' | xargs awk '
	/^\{/ { start = FNR }
	/^\}/ { if (start) print FNR - start - 1, FILENAME ":" start; start = 0 }' | sort -n)
echo "$sizes" | awk '$1 > 120 { print $2 ": a function of " $1 " lines, the limit is 120"; bad = 1 }
	END { exit bad }' || bad=1
echo "$sizes" | awk '{ n[NR] = $1 }
	END { m = n[int((NR + 1) / 2)]; p = n[int(NR * 0.9 + 0.5)]
	      printf "%d functions: median %d lines, 90 %% at most %d, longest %d\n", NR, m, p, n[NR]
	      if (m > 20 || p > 60) { print "functions are too long: median <= 20, 90 % <= 60"; exit 1 } }' || bad=1
exit $bad
