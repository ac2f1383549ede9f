//! libFuzzer on [`shockfront_fuzz::targets::topology_json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::topology_json(data));
