//! libFuzzer on [`shockfront_fuzz::targets::host_event`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::host_event(data));
