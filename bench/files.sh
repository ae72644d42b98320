#!/bin/bash
# Capture files read and written, against tcpdump on the same file in the same run. PACKETS says how
# many there are (default a million).
set -euo pipefail
cd "$(dirname "$0")/.."
packets=${PACKETS:-1000000}
[ -f build-bench/build.ninja ] || CC=${CC:-gcc} meson setup build-bench --buildtype=release \
	-Doptimization=2 -Dpage=false >/dev/null
ninja -C build-bench src/io/capture-copy src/wire/wire-sample >/dev/null
copy=$PWD/build-bench/src/io/capture-copy
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
"$OLDPWD/build-bench/src/wire/wire-sample" mixed "$packets" 1 >mixed.pcap
"$copy" mixed.pcap mixed.pcapng

# Millions of packets per second of processor time, the best of five.
rate() {
	TIMEFORMAT='%U %S'
	for _ in 1 2 3 4 5; do
		{ time timeout 120 "$@" >out 2>&1; } 2>&1
	done | awk -v n="$packets" '{ r = n / ($1 + $2 + 1e-9) / 1e6; if (r > best) best = r }
		END { printf "%.2f", best }'
	[ ! -s out ] || ! grep -qv "^$packets packets\|^reading from" out || cat out >&2
}

# A row: what, ours, theirs.
row() {
	awk -v what="$1" -v ours="$2" -v theirs="$3" 'BEGIN {
		printf "%-22s %8.2f M/s   ", what, ours
		if (theirs == "") printf "tcpdump is not installed\n"
		else printf "tcpdump -w %8.2f M/s   %7.1f x\n", theirs, ours / theirs
	}'
}

dump() {
	command -v tcpdump >/dev/null || return 0
	rate tcpdump -Z "$(id -un)" -r "$1" -w "$2"
}
echo "$packets packets, processor time of one thread"
row "read pcap" "$(rate "$copy" mixed.pcap)" "$(dump mixed.pcap /dev/null)"
row "read pcapng" "$(rate "$copy" mixed.pcapng)" "$(dump mixed.pcapng /dev/null)"
row "pcap to pcap" "$(rate "$copy" -F pcap mixed.pcap a)" "$(dump mixed.pcap b)"
row "pcapng to pcapng" "$(rate "$copy" mixed.pcapng a)" "$(dump mixed.pcapng b)"
