//! libFuzzer on [`shockfront_fuzz::targets::host_reviews`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::host_reviews(data));
