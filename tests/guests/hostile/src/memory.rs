//! What a guest can do to the machine, and what it can see of it.

use std::{
    hash::{BuildHasher, RandomState},
    hint::black_box,
    time::SystemTime,
};

/// Runs for ever.
pub(crate) fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Takes memory for ever.
pub(crate) fn hog() -> ! {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Calls itself for ever.
#[expect(unconditional_recursion, reason = "that is the point")]
pub(crate) fn dig(depth: u64) -> u64 {
    black_box(dig(black_box(depth) + 1)).wrapping_add(depth)
}

/// A number that differs from run to run, where there is chance.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one("x") >> 12
}

/// Seconds since 1970.
pub(crate) fn clock() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
