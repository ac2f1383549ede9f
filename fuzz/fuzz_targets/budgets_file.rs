//! libFuzzer on [`shockfront_fuzz::targets::budgets_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::budgets_file(data));
