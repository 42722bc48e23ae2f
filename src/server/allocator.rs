//! Memory from the server's allocator, so that it counts towards `used_memory` and `maxmemory`.
//!
//! The redis-module crate has such an allocator, but without realloc, and it aborts outside a server.

use std::alloc::{GlobalAlloc, Layout, System};

use redis_module::raw;

/// The server's allocator in a server, the system's allocator elsewhere (tests, benchmarks, fuzzers).
///
/// A process never changes from one to the other, because the server sets its function pointers before
/// the module first allocates.
pub(crate) struct Allocator;

/// Returns whether every malloc guarantees this alignment for any size. The server's allocation functions
/// take no alignment.
fn aligned_by_malloc(layout: Layout) -> bool {
    layout.align() <= align_of::<usize>()
}

// SAFETY: both allocators keep GlobalAlloc's contract. Which one serves a block depends only on its
// alignment and on the process, so a block returns to the allocator it came from. The pointers to the
// server's functions are written once, by the only thread, before the first allocation.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            match raw::RedisModule_Alloc {
                Some(alloc) if aligned_by_malloc(layout) => alloc(layout.size()).cast(),
                _ => System.alloc(layout),
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            match raw::RedisModule_Calloc {
                Some(calloc) if aligned_by_malloc(layout) => calloc(1, layout.size()).cast(),
                _ => System.alloc_zeroed(layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as above; `block` is from this allocator and has this layout.
        unsafe {
            match raw::RedisModule_Realloc {
                Some(realloc) if aligned_by_malloc(layout) => {
                    realloc(block.cast(), new_size).cast()
                }
                _ => System.realloc(block, layout, new_size),
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; `block` is from this allocator and has this layout.
        unsafe {
            match raw::RedisModule_Free {
                Some(free) if aligned_by_malloc(layout) => free(block.cast()),
                _ => System.dealloc(block, layout),
            }
        }
    }
}
