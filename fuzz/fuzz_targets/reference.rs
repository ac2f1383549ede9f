//! libFuzzer on [`shockfront_fuzz::targets::reference`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::reference(data));
