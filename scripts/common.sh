# What scripts/demo and scripts/test share: installing what is missing. Sourced by them, with $root set.

say() { printf '%s\n' "$*"; }

have_command() { command -v "$1" > /dev/null 2>&1; }
have_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2> /dev/null | grep -F "$1" > /dev/null; }
have_file() { compgen -G "$1" > /dev/null; }
have_header() { printf '#include <%s>\n' "$1" | c++ -E -x c++ - > /dev/null 2>&1; }

# need_packages TABLE...: each "command:NAME:PACKAGE", "header:NAME:PACKAGE", "library:NAME:PACKAGE" or
# "file:PATTERN:PACKAGE". What is missing is installed with apt, as root or through sudo, saying so first. Without apt, or
# without the right to use it, says exactly what to install. Silent where nothing is missing.
need_packages() {
  local row kind name package
  local -a missing=()
  for row in "$@"; do
    IFS=: read -r kind name package <<< "$row"
    "have_$kind" "$name" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  install_packages "${missing[@]}" || return 1
}

install_packages() {
  local -a as_root=()
  if ! have_command apt-get; then
    say "Missing, and there is no apt here to install it. Please install what these packages of Debian 12 contain:" >&2
    say "  $*" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! have_command sudo; then
      say "Missing. Please run, as root:" >&2
      say "  apt-get install $*" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  say "Installing with ${as_root[*]:+sudo }apt-get: $*"
  "${as_root[@]}" apt-get update -qq < /dev/null > /dev/null &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" < /dev/null > /dev/null ||
    { say "apt-get install $* failed; run it by hand to see why" >&2; return 1; }
}

# What the library and the command are built with.
need_build_tools() {
  need_packages command:c++:g++ command:cmake:cmake command:ninja:ninja-build header:libdeflate.h:libdeflate-dev \
    header:zlib.h:zlib1g-dev header:xxhash.h:libxxhash-dev header:openssl/evp.h:libssl-dev || return 1
  local version
  version=$(cmake --version | sed -n '1s/.*version //p')
  if [ "$(printf '%s\n' 3.25 "$version" | sort -V | head -n 1)" != 3.25 ]; then
    say "cmake $version is too old: 3.25 or later is needed (Debian 12, Ubuntu 23.04, or pip install cmake)" >&2
    return 1
  fi
}

# build PRESET [TARGET...]: configures and builds quietly; shows everything where it fails.
build() {
  local preset=$1 log status=0
  shift
  log=$(mktemp)
  # A log of its own: the caller may be printing.
  { cmake -S "$root" --preset "$preset" && cmake --build "$root/build/$preset" ${*:+--target "$@"}; } > "$log" 2>&1 < /dev/null || status=$?
  [ "$status" -eq 0 ] || cat "$log"
  rm -f "$log"
  return "$status"
}

now() { date +%s.%N; }
seconds_since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
