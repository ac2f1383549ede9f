//! libFuzzer on [`shockfront_fuzz::targets::unified_diff`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::unified_diff(data));
