#!/bin/bash
# How many packets a second are taken apart and printed, against tcpdump and tshark on the same capture
# in the same run: by one thread of the library alone, and by the command as its users run it, with
# streams put together and TCP analysed. PACKETS says how many (default a million); tshark gets a tenth of them.
set -euo pipefail
cd "$(dirname "$0")/.."
packets=${PACKETS:-1000000}
[ -f build-bench/build.ninja ] || CC=${CC:-gcc} meson setup build-bench --buildtype=release \
	-Doptimization=2 -Dpage=false >/dev/null
ninja -C build-bench sonde src/wire/bench-wire src/wire/wire-sample >/dev/null
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build-bench/src/wire/wire-sample mixed "$packets" 1 >"$dir/mixed.pcap"
build-bench/src/wire/wire-sample mixed $((packets / 10)) 1 >"$dir/tenth.pcap"

# Millions of packets per second of processor time that a command takes for a number of packets.
rate() {
	local n=$1
	shift
	TIMEFORMAT='%U %S'
	{ time timeout 120 "$@" >/dev/null 2>&1; } 2>&1 | awk -v n="$n" '{ printf "%.3f", n / ($1 + $2) / 1e6 }'
}

# Millions of packets per second as the clock on the wall has it; the file is in memory.
clock() {
	local n=$1
	shift
	TIMEFORMAT='%R'
	{ time timeout 120 "$@" >/dev/null 2>&1; } 2>&1 | awk -v n="$n" '{ printf "%.3f", n / $1 / 1e6 }'
}

# Greatest memory of a command, in MB.
memory() {
	/usr/bin/python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}

# A row: what, ours, and if somebody else does it, theirs, who they are.
row() {
	awk -v what="$1" -v ours="$2" -v theirs="${3-}" -v who="${4-}" 'BEGIN {
		printf "%-14s %8.3f M/s", what, ours
		if (who == "") { printf "\n"; exit }
		printf "   "
		if (theirs == "") printf "%s is not installed\n", who
		else printf "%-22s %8.3f M/s   %7.1f x\n", who, theirs, ours / theirs
	}'
}

declare -A ours
while IFS=$'\t' read -r what value; do ours[$what]=$value; done \
	< <(build-bench/src/wire/bench-wire "$dir/mixed.pcap")

dump_walk='' dump_line='' shark_line='' shark_json='' shark_columns='' shark_filter=''
if command -v tcpdump >/dev/null; then
	dump_walk=$(rate "$packets" tcpdump -r "$dir/mixed.pcap" -w /dev/null)
	dump_line=$(rate "$packets" tcpdump -n -r "$dir/mixed.pcap")
fi
if command -v tshark >/dev/null; then
	shark_line=$(rate $((packets / 10)) tshark -n -r "$dir/tenth.pcap")
	shark_json=$(rate $((packets / 10)) tshark -n -r "$dir/tenth.pcap" -T ek)
	shark_columns=$(rate $((packets / 10)) tshark -n -r "$dir/tenth.pcap" -T fields -e ip.src \
		-e ip.dst -e tcp.dstport)
	shark_filter=$(rate $((packets / 10)) tshark -n -r "$dir/tenth.pcap" -w /dev/null \
		-Y 'tcp.port == 443 && ip.addr == 10.0.0.0/8')
fi
echo "$packets packets in memory, processor time of one thread (cached: without the time to fetch them)"
row "layer walk" "${ours[layer walk]}" "$dump_walk" "tcpdump -w /dev/null"
row "  cached" "${ours[layer walk, cached]}"
row "one line" "${ours[one line]}" "$dump_line" "tcpdump -n"
row "one line" "${ours[one line]}" "$shark_line" "tshark -n"
row "  cached" "${ours[one line, cached]}"
row "JSON" "${ours[JSON]}" "$shark_json" "tshark -T ek"
row "ek" "${ours[ek]}" "$shark_json" "tshark -T ek"
row "3 columns" "${ours[3 columns]}" "$shark_columns" "tshark -T fields"
row "display filter" "${ours[display filter]}" "$shark_filter" "tshark -Y"

sonde=build-bench/sonde fields=(-e ip.src -e ip.dst -e tcp.dstport)
dump_clock='' dump_write='' shark_clock='' shark_fields=''
if command -v tcpdump >/dev/null; then
	dump_clock=$(clock "$packets" tcpdump -n -r "$dir/mixed.pcap")
	dump_write=$(clock "$packets" tcpdump -r "$dir/mixed.pcap" -w /dev/null)
fi
if command -v tshark >/dev/null; then
	shark_clock=$(clock $((packets / 10)) tshark -n -r "$dir/tenth.pcap" -T ek)
	shark_fields=$(clock $((packets / 10)) tshark -n -r "$dir/tenth.pcap" -T fields "${fields[@]}")
fi
echo
echo "the command, by the clock, best of three ($(nproc) processors)"
best() {
	for _ in 1 2 3; do clock "$packets" "$@"; echo; done | sort -n | tail -1
}
row "copy" "$(best "$sonde" capture -r "$dir/mixed.pcap" -w /dev/null)" "$dump_write" \
	"tcpdump -w /dev/null"
row "one line" "$(best "$sonde" capture -n -r "$dir/mixed.pcap")" "$dump_clock" "tcpdump -n"
row "NDJSON" "$(best "$sonde" capture -r "$dir/mixed.pcap" --json)" "$shark_clock" "tshark -T ek"
row "3 fields" "$(best "$sonde" capture -r "$dir/mixed.pcap" "${fields[@]}")" "$shark_fields" \
	"tshark -T fields"
echo "memory of NDJSON: $(memory "$sonde" capture -r "$dir/tenth.pcap" --json) MB for a tenth of the" \
	"packets, $(memory "$sonde" capture -r "$dir/mixed.pcap" --json) MB for all"
