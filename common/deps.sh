#!/bin/sh
# Installs what is missing for building and testing Rehost, with apt, saying
# what and why.  Does nothing (and needs no root) when all of it is there.
# Each folder's needs stand in FOLDER/deps.list: "package  why" a line; more
# lists may be given as arguments.
cd "$(dirname "$0")/.." || exit 1
[ -n "${REHOST_DEPS_DONE-}" ] && exit 0
missing=
# one dpkg call for all: it is called by every target
have=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package} ' 2>/dev/null | tr ' ' '\n' | sed -n 's/^ii//p' | tr '\n' ' ') "
have="$have$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | tr '\n' ' ') "
for list in */deps.list "$@"; do
	while read -r pkg why; do
		case "$pkg" in ''|'#'*) continue ;; esac
		# "a|b": the first that this distribution knows
		found=
		for alt in $(echo "$pkg" | tr '|' ' '); do
			case "$have" in *" $alt "*) found=1 ;; esac
		done
		[ -n "$found" ] && continue
		case " $missing " in *" $pkg "*) continue ;; esac
		missing="$missing $pkg"
		printf 'deps: %s is missing (%s)\n' "$pkg" "$why"
	done < "$list"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null; then SUDO=sudo; else
		echo "deps: run this as root:  apt-get install$missing" >&2; exit 1
	fi
fi
export DEBIAN_FRONTEND=noninteractive
echo "deps: installing:$missing"
${SUDO-} apt-get update -q || { echo "deps: 'apt-get update' failed; is there a network?" >&2; exit 1; }
pick=
for pkg in $missing; do
	for alt in $(echo "$pkg" | tr '|' ' '); do
		if apt-cache show "$alt" >/dev/null 2>&1; then pick="$pick $alt"; break; fi
	done
done
# shellcheck disable=SC2086
${SUDO-} apt-get install -y -q --no-install-recommends $pick || {
	echo "deps: apt-get could not install:$pick" >&2; exit 1; }
