//! libFuzzer on [`shockfront_fuzz::targets::fault`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::fault(data));
