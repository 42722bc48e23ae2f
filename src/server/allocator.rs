//! Memory from the server's allocator, so that `used_memory` counts it and `maxmemory` sees it.

use std::alloc::{GlobalAlloc, Layout, System};

use redis_module::raw;

/// The server's allocator in a server; the system's where there is none (tests, benches, fuzzers).
///
/// A process is one or the other from its first allocation on: the server hands its functions over
/// before the module allocates for the first time.
pub(crate) struct Allocator;

/// Whether any malloc gives this alignment, to blocks of any size: the server's functions cannot be
/// asked for one.
fn aligned_by_malloc(layout: Layout) -> bool {
    layout.align() <= align_of::<usize>()
}

// SAFETY: both allocators keep GlobalAlloc's contract. Which of the two serves a block depends only
// on its alignment and on the process, so a block goes back to where it came from. The pointers to the
// server's functions are written once, before the first allocation and by the only thread.
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
