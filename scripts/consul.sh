#!/usr/bin/env bash
# Fetches a real Consul for the tests from Debian's archive into the folder given; it touches neither the system's sources nor
# its packages. Suite bullseye is past its support: where it is not to be had, the tests say so and the recordings are the contract.
#   scripts/consul.sh DIR      then DIR/usr/bin/consul
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ ! -x "$dir/usr/bin/consul" ] || exit 0
uri=$(awk '$1=="URIs:"{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
mkdir -p "$dir"/{lists/partial,cache/archives/partial,etc/parts,etc/prefs}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri bullseye main" >"$dir/etc/sources.list"
options=(-o Dir::Etc::sourcelist="$dir/etc/sources.list" -o Dir::Etc::sourceparts="$dir/etc/parts"
  -o Dir::Etc::preferencesparts="$dir/etc/prefs" -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache"
  -o APT::Sandbox::User=root -o Acquire::Languages=none)
apt-get "${options[@]}" -qq update
cd "$dir"
apt-get "${options[@]}" -qq download consul
dpkg -x consul_*.deb .
rm -rf consul_*.deb lists cache
usr/bin/consul version | head -1
