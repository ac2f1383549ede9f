//! libFuzzer on [`shockfront_fuzz::targets::rollout`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::rollout(data));
