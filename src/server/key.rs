//! A key that is open for writing.

use std::ops::Deref;
use std::slice;

use libc::{c_int, c_longlong};
use redis_module::raw::{self, RedisModuleKey};

use crate::error::Error;
use crate::server::{Arg, Context, OK};

/// A key, open from [`Context::open`] until it is dropped.
pub(crate) struct Key<'a> {
    raw: *mut RedisModuleKey,
    pub(crate) context: &'a Context<'a>,
    pub(crate) name: Arg<'a>,
    content: Content<'a>,
}

/// What this call has made of the value so far.
enum Content<'a> {
    Untouched,
    /// It is this argument.
    Created(Arg<'a>),
    /// It is a raw string of its own.
    Raw,
}

/// The bytes at a key, until the key is written to.
pub(crate) enum Value<'k> {
    InPlace(&'k [u8]),
    /// The first so many of these.
    Copied([u8; EMBEDDED_MAX], usize),
}

/// Up to this size core may keep a string as an integer or embedded in its object (object.c,
/// OBJ_ENCODING_EMBSTR_SIZE_LIMIT). To look at such a value in place would make it a raw one.
const EMBEDDED_MAX: usize = 44;

const READ: c_int = raw::REDISMODULE_READ as c_int;
const WRITE: c_int = raw::REDISMODULE_WRITE as c_int;

impl<'a> Context<'a> {
    /// Opens a key for writing, whether it exists or not.
    pub(crate) fn open(&'a self, name: Arg<'a>) -> Key<'a> {
        // SAFETY: the context and the name are alive. Open for writing, a key is never null.
        let raw = unsafe { api!(RedisModule_OpenKey(self.raw, name.raw, READ | WRITE)) };
        Key { raw, context: self, name, content: Content::Untouched }
    }
}

impl<'a> Key<'a> {
    /// The bytes at the key; none if it does not exist.
    ///
    /// # Errors
    /// [`Error::WrongType`] if it holds no string.
    pub(crate) fn value(&self) -> Result<Option<Value<'_>>, Error> {
        // SAFETY: the key is open.
        match unsafe { api!(RedisModule_KeyType(self.raw)) } as isize {
            raw::REDISMODULE_KEYTYPE_EMPTY => Ok(None),
            raw::REDISMODULE_KEYTYPE_STRING => Ok(Some(self.string())),
            _ => Err(Error::WrongType),
        }
    }

    /// The size of the value in bytes.
    pub(crate) fn size(&self) -> usize {
        // SAFETY: the key is open.
        unsafe { api!(RedisModule_ValueLength(self.raw)) }
    }

    /// Makes an argument the value of a key that does not exist, without a copy.
    ///
    /// # Errors
    /// [`Error::TooLarge`]
    pub(crate) fn create(&mut self, value: Arg<'a>) -> Result<(), Error> {
        self.context.check_string_size(value.bytes().len())?;
        // SAFETY: the key is open and the string alive. The server shares it, and copies it before
        // it writes to either.
        unsafe { api!(RedisModule_StringSet(self.raw, value.raw)) };
        self.content = Content::Created(value);
        Ok(())
    }

    /// Makes the value at least `size` bytes long, with zero bytes at the end, and returns it all.
    ///
    /// # Complexity
    /// O(added), amortised: the server's strings grow by more than what is asked for.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; the value is as it was.
    pub(crate) fn grow(&mut self, size: usize) -> Result<&mut [u8], Error> {
        let size = size.max(self.size());
        self.context.check_string_size(size)?;
        // SAFETY: the key is open and holds a string. No slice of the old value is left, for each
        // borrows the key; the new one is the only one while it lives.
        unsafe {
            if api!(RedisModule_StringTruncate(self.raw, size)) != OK {
                return Err(Error::TooLarge);
            }
            self.content = Content::Raw;
            let mut size = 0;
            let bytes = api!(RedisModule_StringDMA(self.raw, &mut size, WRITE));
            Ok(slice::from_raw_parts_mut(bytes.cast(), size))
        }
    }

    /// Deletes the key; a large value is freed in the background.
    pub(crate) fn unlink(&mut self) {
        // SAFETY: the key is open, and no slice of its value is left: each borrows the key.
        unsafe { api!(RedisModule_UnlinkKey(self.raw)) };
    }

    /// Sets the time, Unix and in milliseconds, from which on the key does not exist.
    pub(crate) fn expire_at(&mut self, time: i64) {
        // SAFETY: the key is open.
        unsafe { api!(RedisModule_SetAbsExpire(self.raw, time)) };
    }

    /// Removes the TTL; whether there was one.
    pub(crate) fn persist(&mut self) -> bool {
        let never = c_longlong::from(raw::REDISMODULE_NO_EXPIRE);
        // SAFETY: the key is open.
        unsafe {
            let had_ttl = api!(RedisModule_GetExpire(self.raw)) != never;
            if had_ttl {
                api!(RedisModule_SetExpire(self.raw, never));
            }
            had_ttl
        }
    }

    fn string(&self) -> Value<'_> {
        match self.content {
            Content::Created(value) => Value::InPlace(value.bytes()),
            Content::Untouched if self.size() <= EMBEDDED_MAX => {
                self.copy().unwrap_or_else(|| Value::InPlace(self.in_place()))
            }
            _ => Value::InPlace(self.in_place()),
        }
    }

    fn in_place(&self) -> &[u8] {
        let mut size = 0;
        // SAFETY: the key is open and holds a string, and what moves its value borrows the key
        // mutably.
        unsafe {
            let bytes = api!(RedisModule_StringDMA(self.raw, &mut size, READ));
            slice::from_raw_parts(bytes.cast(), size)
        }
    }

    /// A short value, read by GET, which leaves its encoding as it is; none if GET was renamed.
    fn copy(&self) -> Option<Value<'_>> {
        let reply = self.context.call_get(self.name)?;
        let mut copy = [0; EMBEDDED_MAX];
        let bytes = reply.bytes()?;
        copy.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Value::Copied(copy, bytes.len()))
    }
}

impl Deref for Value<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Value::InPlace(bytes) => bytes,
            Value::Copied(copy, size) => copy.get(..*size).unwrap_or_default(),
        }
    }
}

impl Drop for Key<'_> {
    fn drop(&mut self) {
        // SAFETY: the key is open, and nobody uses it again.
        unsafe { api!(RedisModule_CloseKey(self.raw)) };
    }
}
