//! libFuzzer on [`shockfront_fuzz::targets::duration`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::duration(data));
