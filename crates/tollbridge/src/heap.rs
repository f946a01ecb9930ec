//! The allocator, chosen by measurement: `docs/adr/0010-allocator.md`. Its settings stand in
//! `.cargo/config.toml` and are compiled in.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static HEAP: Jemalloc = Jemalloc;
