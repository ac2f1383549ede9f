//! libFuzzer on [`shockfront_fuzz::targets::terraform_plan`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::terraform_plan(data));
