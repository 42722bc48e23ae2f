#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::cache::assert_holds(input));
