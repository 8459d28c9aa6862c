#![no_main]

#[path = "../../tests/properties/mod.rs"]
#[expect(dead_code, reason = "each target takes one of them")]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::nifti_labels(bytes));
