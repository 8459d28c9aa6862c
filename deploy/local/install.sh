#!/bin/sh
# Installs the system packages that Molar stands on, and only those that are missing.
#
#   deploy/local/install.sh            what `make demo` needs
#   deploy/local/install.sh --tests    also what the tests of the pages need
#
# Starts no service: `molar up` runs private servers of its own.
set -eu

postgres_oldest=15
policy=/usr/sbin/policy-rc.d
cluster_setting=/etc/postgresql-common/createcluster.d/molar-install.conf

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

has() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

has_postgres() {
    for bin in /usr/lib/postgresql/*/bin; do
        version=${bin#/usr/lib/postgresql/}
        version=${version%/bin}
        case $version in *[!0-9]*) continue ;; esac
        if [ "$version" -ge "$postgres_oldest" ] && [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ]; then
            return 0
        fi
    done
    return 1
}

# A dynamic busybox is of no use in an image made from nothing.
has_static_busybox() {
    has busybox && ! ldd "$(PATH="$PATH:/sbin" command -v busybox)" >/dev/null 2>&1
}

missing=
# want "TEST" PACKAGE… "WHY": notes the packages unless the test succeeds.
want() {
    test=$1
    shift
    if $test; then return; fi
    packages=
    while [ $# -gt 1 ]; do
        packages="$packages $1"
        shift
    done
    missing="$missing$packages"
    reasons="${reasons:-}$(printf '\n  %-28s %s' "${packages# }" "$1")"
}

look() {
    want has_postgres postgresql "the database (PostgreSQL $postgres_oldest or later)"
    want 'test -x /usr/lib/rabbitmq/bin/rabbitmq-server' rabbitmq-server 'the message broker'
    want 'has dockerd' docker.io 'runs submitted containers'
    want 'has nginx' nginx-light 'the one origin in front of all roles'
    want has_static_busybox busybox-static 'the shell in the example image'
    want 'test -e /etc/ssl/certs/ca-certificates.crt' ca-certificates 'https to crates.io and to a remote S3'
    want 'has cc' gcc libc6-dev 'links the binary, compiles its cryptography'
    want 'has tar' tar 'packs images'
    want 'has mkfs.ext4' e2fsprogs 'makes the file system that a case writes to'
    want 'has gzip' gzip 'packs images'
    want 'has xz' xz-utils 'unpacks Debian archives'
    if [ "$with_tests" = yes ]; then
        want 'has chromium' chromium 'opens the pages in the tests'
        want 'has chromedriver' chromium-driver 'steers the browser in the tests'
    fi
}

require_debian() {
    family=
    if [ -r /etc/os-release ]; then
        # shellcheck source=/dev/null
        family=$(. /etc/os-release && printf '%s %s' "${ID:-}" "${ID_LIKE:-}")
    fi
    case " $family " in
        *' debian '*) if has apt-get; then return; fi ;;
    esac
    fail "this script knows Debian 12 and its relatives only; on this system, please install what
provides the following, then run it again (it is content when it finds the programs):$reasons"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "installing packages takes root: run as root, or install sudo"
    fi
}

# Everything that was changed for the time of the installation is put back, also after an error.
restore() {
    if [ -n "${saved_policy:-}" ]; then
        as_root mv "$saved_policy" "$policy"
    elif [ "${own_policy:-no}" = yes ]; then
        as_root rm -f "$policy"
    fi
    if [ "${own_setting:-no}" = yes ]; then
        as_root rm -f "$cluster_setting"
    fi
}

# Debian starts a service when its package is installed, unless this says no.
forbid_services() {
    trap restore EXIT
    trap 'exit 130' INT TERM
    if [ -e "$policy" ]; then
        as_root mv "$policy" "$policy.molar-saved"
        saved_policy=$policy.molar-saved
    fi
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    # No "main" cluster either, if PostgreSQL is new here: it would start with the machine.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        say 'PostgreSQL: no system cluster is made (make one with pg_createcluster if you want it)'
        own_setting=yes
        as_root mkdir -p "${cluster_setting%/*}"
        printf 'create_main_cluster = false\n' | as_root tee "$cluster_setting" >/dev/null
    fi
}

# Services that came with these packages would start with the next boot.
keep_services_off() {
    has systemctl || return 0
    for package in $missing; do
        case $package in
            postgresql) units=postgresql.service ;;
            rabbitmq-server) units='rabbitmq-server.service epmd.socket epmd.service' ;;
            docker.io) units='docker.service docker.socket containerd.service' ;;
            nginx-light) units=nginx.service ;;
            *) continue ;;
        esac
        for unit in $units; do
            if as_root systemctl disable "$unit" >/dev/null 2>&1; then
                say "$unit does not start by itself (systemctl enable $unit if you want it)"
            fi
        done
    done
}

install_missing() {
    say "Installing what is missing:$reasons"
    forbid_services
    as_root apt-get update -q
    # shellcheck disable=SC2086  # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
    keep_services_off
    still=$missing
    missing=
    reasons=
    look
    [ -z "$missing" ] || fail "installed$still, and yet these are not found:$reasons"
}

with_tests=no
for argument; do
    case $argument in
        --tests) with_tests=yes ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown argument: $argument (there is only --tests)" ;;
    esac
done

reasons=
look
if [ -z "$missing" ]; then
    say 'System packages: all there.'
else
    require_debian
    install_missing
    say 'System packages: installed.'
fi
if ! has cargo; then
    fail "Rust is missing: see https://rustup.rs (or set PATH to where cargo is)"
fi
