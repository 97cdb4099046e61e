#!/bin/sh
# The manual page and --help name the same commands and options, and the mount
# options are those that are allowed.
. "$REHOST_TOP/tests/lib/lib.sh"
man=$REHOST_TOP/docs/man/rehost.1
text() { sed 's/\\-/-/g; s/\\f[BIR]//g' "$man"; }
# commands
rehost --help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sort > help.commands
text | sed -n '/^\.SH SYNOPSIS/,/^\.SH DESCRIPTION/s/^\.B rehost \([a-z][a-z]*\).*/\1/p' | sort > man.synopsis
text | sed -n '/^\.SH COMMANDS/,/^\.SH OPTIONS/s/^\.B \([a-z]*\)$/\1/p' | sort -u > man.commands
diff help.commands man.synopsis || fail "commands in --help (<) and in the synopsis (>)"
# .B also begins other words in that section
[ -z "$(comm -23 help.commands man.commands)" ] || fail "not described: $(comm -23 help.commands man.commands)"
# options: all of them, and each command's own
: > help.options
while read -r c; do
	case $c in adapt|wizard) continue ;; esac
	rehost "$c" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort > opts
	cat opts >> help.options
	text | awk -v c="$c" '/^\.SH OPTIONS/ { exit } $0 == ".B " c && before == ".TP" { on = 1 } { before = $0 }
		on && /^Options:/ { list = 1; next } on && /^\.TP/ { exit }
		list && match($0, /--[a-z-]+/) { print substr($0, RSTART, RLENGTH) }' | sort > man.opts
	grep -vx -e --help opts | diff - man.opts || fail "options of $c in --help (<) and in the page (>)"
done < help.commands
rehost --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' >> help.options
sort -u help.options > help.all
text | sed -n '/^\.SH OPTIONS/,/^\.SH PLACES/s/^\.BI\{0,1\}R\{0,1\} \(--[a-z-]*\).*/\1/p' | sort -u > man.all
diff help.all man.all || fail "options in --help (<) and in OPTIONS (>)"
# mount options
for kind in smb nfs; do
	sed -n '/allowed\[\] = {/,/};/p' "$REHOST_TOP/imager/store/$kind.c" | grep -o '"[a-z_]*"' | tr -d '"' | sort > code
	text | awk -v k="$kind" '$0 ~ "^.B " k "://" { on = 1 } on && /^\.TP/ { exit } on' | tr '\n' ' ' |
		sed 's/.*: \(vers, [^.]*\)\..*/\1/; s/, */\n/g' | sed 's/[[:space:]]//g' | sort > page
	diff code page || fail "mount options of $kind:// in the code (<) and in the page (>)"
done
# exit codes
for n in 0 1 2 3 4; do
	text | sed -n '/^\.SH EXIT STATUS/,/^\.SH FILES/p' | grep -qx ".B $n" || fail "exit status $n"
done
