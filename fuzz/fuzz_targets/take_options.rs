#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::take_options::assert_holds(input));
