#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::options::assert_holds(input));
