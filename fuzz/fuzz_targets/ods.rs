#![no_main]

#[allow(dead_code)]
#[path = "../exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|text: &str| {
    exercise::ods(text);
});
