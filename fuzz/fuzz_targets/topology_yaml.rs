//! libFuzzer on [`shockfront_fuzz::targets::topology_yaml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::topology_yaml(data));
