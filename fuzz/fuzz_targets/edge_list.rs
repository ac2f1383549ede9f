//! libFuzzer on [`shockfront_fuzz::targets::edge_list`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| shockfront_fuzz::targets::edge_list(data));
