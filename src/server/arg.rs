//! The arguments of a command.

use std::marker::PhantomData;
use std::slice;

use libc::c_int;
use redis_module::raw::RedisModuleString;

/// An argument: a string that the server keeps until the call returns.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Arg<'a> {
    pub(super) raw: *mut RedisModuleString,
    call: PhantomData<&'a RedisModuleString>,
}

impl<'a> Arg<'a> {
    /// Returns the arguments of a call. The first one is the command's name.
    ///
    /// # Safety
    /// `argv` must point to `argc` strings that live, and do not change, for `'a`.
    pub(super) unsafe fn list(argv: *mut *mut RedisModuleString, argc: c_int) -> &'a [Arg<'a>] {
        if argv.is_null() {
            return &[];
        }
        // SAFETY: an Arg has the layout of a pointer to a string; the caller guarantees the rest.
        unsafe { slice::from_raw_parts(argv.cast(), usize::try_from(argc).unwrap_or(0)) }
    }

    /// Returns the bytes of the argument, which need not be UTF-8.
    pub(crate) fn bytes(self) -> &'a [u8] {
        let mut size = 0;
        // SAFETY: the string and its buffer live for 'a, and nothing changes them: if a key holds the
        // same string, the server gives the key a copy before it writes.
        unsafe {
            let bytes = api!(RedisModule_StringPtrLen(self.raw, &mut size));
            slice::from_raw_parts(bytes.cast(), size)
        }
    }
}
