//! libFuzzer on [`shockfront_fuzz::targets::topology_toml`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::topology_toml(data));
