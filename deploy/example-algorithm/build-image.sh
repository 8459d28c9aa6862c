#!/bin/sh
# Builds the image of the example algorithm without Docker: what `docker save IMAGE | gzip` delivers.
#
#   build-image.sh [OUTPUT [VARIANT]]     one image; VARIANT is a file of variants/ without .params
#   build-image.sh                        all variants, to target/example-image/<variant>.tar.gz
#
# BINARY=… takes a binary that is built already. The same sources give the same bytes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# In Molar's repository the workspace has the folder `target`; in a participant's pack this folder has it.
root=$(cd "$here/../.." && pwd)
[ -f "$root/deploy/example-algorithm/build-image.sh" ] || root=$here
target=x86_64-unknown-linux-gnu
busybox=${BUSYBOX:-/bin/busybox}
cargo=${CARGO:-cargo}

fail() {
    echo "build-image.sh: $*" >&2
    exit 1
}

[ -x "$busybox" ] || fail "$busybox is missing; install the package busybox-static"
if "$busybox" --help 2>&1 | head -n 1 | grep -q BusyBox && command -v ldd >/dev/null &&
    ldd "$busybox" >/dev/null 2>&1; then
    fail "$busybox is not static; install the package busybox-static"
fi

build_binary() {
    # --target, so that the flags reach the binary and no build script, in a folder of its own.
    RUSTFLAGS='-C target-feature=+crt-static' "$cargo" build --quiet --manifest-path "$here/Cargo.toml" \
        --bins --target "$target"
    echo "${CARGO_TARGET_DIR:-$root/target}/$target/debug/molar-example-algorithm"
}

sum() {
    sha256sum "$1" | cut -d ' ' -f 1
}

# Entries in order, with one owner and one time: the bytes depend on the content only.
pack() (
    cd "$2"
    LC_ALL=C tar --create --file "$1" --format=ustar --sort=name --mtime=@0 \
        --owner=0 --group=0 --numeric-owner -- *
)

write_image() {
    output=$1
    variant=$2
    [ -f "$here/variants/$variant.params" ] || fail "no variants/$variant.params"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT

    layer=$work/layer
    mkdir -p "$layer/bin" "$layer/etc" "$layer/opt/algorithm" "$layer/tmp" "$layer/inputs" "$layer/outputs"
    chmod 755 "$layer" "$layer"/*  "$layer/opt/algorithm"
    chmod 1777 "$layer/tmp"
    install -m 755 "$busybox" "$layer/bin/busybox"
    for tool in sh cat cp ls mkdir mv rm; do
        ln -s busybox "$layer/bin/$tool"
    done
    echo 'user:x:1000:1000::/tmp:/bin/sh' >"$layer/etc/passwd"
    echo 'user:x:1000:' >"$layer/etc/group"
    chmod 644 "$layer/etc/passwd" "$layer/etc/group"
    strip -o "$layer/opt/algorithm/segment" "$binary" 2>/dev/null ||
        cp "$binary" "$layer/opt/algorithm/segment"
    chmod 755 "$layer/opt/algorithm/segment"
    install -m 644 "$here/predict.sh" "$layer/opt/algorithm/predict.sh"
    install -m 644 "$here/variants/$variant.params" "$layer/opt/algorithm/params"

    image=$work/image
    mkdir "$image"
    pack "$work/layer.tar" "$layer"
    diff_id=$(sum "$work/layer.tar")
    mkdir "$image/$diff_id"
    mv "$work/layer.tar" "$image/$diff_id/layer.tar"
    printf '1.0' >"$image/$diff_id/VERSION"
    created=1970-01-01T00:00:00Z
    printf '{"id":"%s","created":"%s","os":"linux"}' "$diff_id" "$created" >"$image/$diff_id/json"
    cat >"$work/config.json" <<CONFIG
{"architecture":"amd64","os":"linux","created":"$created","config":{"User":"1000:1000","Env":["PATH=/bin"],"Entrypoint":null,"Cmd":["/bin/sh","/opt/algorithm/predict.sh"],"WorkingDir":"/opt/algorithm","Labels":{"org.opencontainers.image.title":"molar-example-algorithm","org.opencontainers.image.description":"variant $variant"}},"rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]},"history":[{"created":"$created","created_by":"build-image.sh $variant"}]}
CONFIG
    config=$(sum "$work/config.json")
    mv "$work/config.json" "$image/$config.json"
    printf '[{"Config":"%s.json","RepoTags":["molar-example:%s"],"Layers":["%s/layer.tar"]}]\n' \
        "$config" "$variant" "$diff_id" >"$image/manifest.json"
    printf '{"molar-example":{"%s":"%s"}}\n' "$variant" "$diff_id" >"$image/repositories"
    chmod -R u=rwX,go=rX "$image"

    mkdir -p "$(dirname "$output")"
    pack "$work/image.tar" "$image"
    gzip --no-name --best --stdout "$work/image.tar" >"$output.part"
    mv "$output.part" "$output"
    rm -rf "$work"
    trap - EXIT
    echo "$output  sha256:$config"
}

binary=${BINARY:-$(build_binary)}
[ -x "$binary" ] || fail "$binary is missing"
if [ $# -gt 0 ]; then
    write_image "$1" "${2:-careful}"
else
    for params in "$here"/variants/*.params; do
        variant=$(basename "$params" .params)
        write_image "${CARGO_TARGET_DIR:-$root/target}/example-image/$variant.tar.gz" "$variant"
    done
fi
