#!/bin/sh
# Makes CACHE/trixie, once: the build root in which everything of the live
# system is compiled and put together, and in it
#   srv/debs   the live system's packages as fetched, pinned by srv/lock
#   srv/live   those packages unpacked, kernel modules uncompressed
# Nothing is fetched again as long as the lists of packages stay the same, so
# builds work without a network from then on.  To take newer packages remove
# CACHE/trixie.
set -eu
suite=trixie
cache=${1:?usage: buildroot.sh CACHE}
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")

# names LIST...: the packages of lists; of "a|b" the first
names() {
	sed -e 's/#.*//' "$@" | awk 'NF { sub(/[|].*/, "", $1); print $1 }' | sort -u
}

build_packages() {
	names "$top/common/deps.list" "$here/buildroot.list"
	# of the others only what compiling needs, not their tests' tools
	for dir in imager drivers-inject tui; do
		[ ! -f "$top/$dir/deps.list" ] || names "$top/$dir/deps.list" | grep -e '-dev$' || :
	done
}

# The host's own Debian mirrors, asked of apt, with the suite's name put in.
# Prints nothing on a host that has none; mmdebstrap then has its default.
sources() {
	# shellcheck disable=SC2016  # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(RELEASE)' 'Created-By: Packages' |
	sort -u | while read -r uri origin release; do
		case "$uri" in */debian/|*/debian-security/) ;; *) [ "$origin" = Debian ] || continue ;; esac
		case "$release" in
		*-backports*|*-proposed*) continue ;;
		*security*) to=$suite-security ;;
		*-updates) to=$suite-updates ;;
		*) to=$suite ;;
		esac
		echo "deb $uri $to main non-free-firmware"
	done | sort -u
}

# In the build root: fetch the live packages' whole closure as if nothing were installed
fetch_live() {
	live=$(names "$here/packages.list" | tr '\n' ' ')
	mkdir -p "$root/srv/debs/partial"
	: >"$root/srv/empty-status"
	[ ! -e /etc/resolv.conf ] || cp /etc/resolv.conf "$root/etc/resolv.conf"
	# shellcheck disable=SC2086
	chroot "$root" apt-get -qq -y -d --no-install-recommends \
		-o Dir::State::status=/srv/empty-status -o Dir::Cache::archives=/srv/debs \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= install $live
	rm -rf "$root/srv/debs/partial" "$root/srv/debs/lock" "$root/srv/empty-status"
}

# The lock: when the archive was signed, what the build root has, each package's digest
write_lock() {
	date=$(sed -n 's/^Date: //p' "$root"/var/lib/apt/lists/*Release | while read -r d; do date -u -d "$d" +%s; done |
		sort -n | tail -n 1)
	{
		echo "date ${date:?no Release file in the build root}"
		# shellcheck disable=SC2016  # dpkg's own variables
		chroot "$root" dpkg-query -W -f 'build ${Package} ${Version}\n' | sort
		(cd "$root/srv/debs" && sha256sum ./*.deb) | sed 's,^\([0-9a-f]*\)  ./,live \1 ,'
	} >"$root/srv/lock"
}

unpack_live() {
	mkdir "$root/srv/live"
	for dir in bin sbin lib lib64; do ln -s usr/$dir "$root/srv/live/$dir"; done
	for deb in "$root"/srv/debs/*.deb; do
		chroot "$root" dpkg-deb -x "/srv/debs/${deb##*/}" /srv/live
	done
	chroot "$root" sh -c 'find /srv/live/usr/lib/modules -name "*.ko.xz" -print0 | xargs -0 -r -n 200 -P 2 xz -d'
	chroot "$root" depmod -b /srv/live "$(ls "$root/srv/live/usr/lib/modules")"
}

mkdir -p "$cache"
key=$( { cat "$0"; build_packages; names "$here/packages.list"; } | sha256sum | cut -c 1-64)
if [ "$key" = "$(cat "$cache/trixie/srv/key" 2>/dev/null)" ]; then exit 0; fi
[ "$(id -u)" -eq 0 ] || { echo "rootfs: making the build root needs root (chroot); run make as root" >&2; exit 1; }
echo "  ROOT $cache/trixie (Debian $suite packages, a few minutes)"
root=$cache/trixie.new
rm -rf "$root"
sources >"$cache/sources.list"
include=$(build_packages | paste -sd,)
set -- --mode=root --variant=apt --format=directory --components=main,non-free-firmware \
	--keyring=/usr/share/keyrings/debian-archive-keyring.gpg --include="$include" \
	--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --skip=cleanup/apt/lists
if [ -s "$cache/sources.list" ]; then
	mmdebstrap --quiet "$@" "$suite" "$root" - <"$cache/sources.list"
else
	mmdebstrap --quiet "$@" "$suite" "$root"
fi
fetch_live
write_lock
unpack_live
echo "$key" >"$root/srv/key"
rm -rf "$cache/trixie"
mv "$root" "$cache/trixie"
