//! How much a reader holds. One test, alone in its process: the peak is the process's.

#![expect(clippy::unwrap_used, reason = "a kernel without /proc may panic")]

use std::fs;
use std::io::Read;

use molar_volumes::labelme;

/// The process's peak of resident memory.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    digits.unwrap().parse().unwrap()
}

#[test]
fn an_embedded_image_is_read_past_and_not_held() {
    const IMAGE: u64 = 24 << 20;
    let before = peak_kib();
    let document = br#"{"imageHeight": 8, "imageWidth": 6, "shapes": [], "imageData": ""#
        .chain(std::io::repeat(b'A').take(IMAGE))
        .chain(&br#""}"#[..]);
    labelme::read(document, &labelme::Limits::default()).unwrap();
    let grown = peak_kib() - before;
    assert!(grown < IMAGE / 1024 / 4, "{grown} KiB");
}
