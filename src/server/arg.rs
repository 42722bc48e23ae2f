//! An argument of a command.

use std::marker::PhantomData;
use std::slice;

use libc::c_int;
use redis_module::raw::RedisModuleString;

/// A string that the server keeps alive for as long as the call lasts.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Arg<'a> {
    pub(super) raw: *mut RedisModuleString,
    call: PhantomData<&'a RedisModuleString>,
}

impl<'a> Arg<'a> {
    /// The arguments of a call, the command's name first.
    ///
    /// # Safety
    /// `argv` must point to `argc` strings that live for `'a` and do not change in it.
    pub(super) unsafe fn list(argv: *mut *mut RedisModuleString, argc: c_int) -> &'a [Arg<'a>] {
        if argv.is_null() {
            return &[];
        }
        // SAFETY: an Arg is a pointer to a string, and the caller vouches for both.
        unsafe { slice::from_raw_parts(argv.cast(), usize::try_from(argc).unwrap_or(0)) }
    }

    /// The bytes of the argument: any, not only text.
    pub(crate) fn bytes(self) -> &'a [u8] {
        let mut size = 0;
        // SAFETY: the string lives for 'a, and so does its buffer, for nothing changes an argument:
        // a key that holds the same string gets a copy of its own before it is written to.
        unsafe {
            let bytes = api!(RedisModule_StringPtrLen(self.raw, &mut size));
            slice::from_raw_parts(bytes.cast(), size)
        }
    }
}
