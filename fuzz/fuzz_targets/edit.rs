//! libFuzzer on [`shockfront_fuzz::targets::edit`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::edit(data));
