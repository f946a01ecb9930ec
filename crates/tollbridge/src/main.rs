//! The Tollbridge binary.

fn main() {}
