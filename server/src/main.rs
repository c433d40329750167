//! Ringfence.
fn main() {}
