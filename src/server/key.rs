//! A key that is open for writing.

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

/// What is known of the value.
enum Content<'a> {
    Unread,
    /// It is short, and these are its first so many bytes.
    Copied([u8; EMBEDDED_MAX], usize),
    /// It is a raw string, to be read where it lies.
    InPlace,
    /// It is this argument.
    Created(Arg<'a>),
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
        Key { raw, context: self, name, content: Content::Unread }
    }
}

impl<'a> Key<'a> {
    /// The bytes at the key, until it is written to; none if it does not exist.
    ///
    /// # Errors
    /// [`Error::WrongType`] if it holds no string.
    pub(crate) fn value(&mut self) -> Result<Option<&[u8]>, Error> {
        // SAFETY: the key is open.
        match unsafe { api!(RedisModule_KeyType(self.raw)) } as isize {
            raw::REDISMODULE_KEYTYPE_EMPTY => return Ok(None),
            raw::REDISMODULE_KEYTYPE_STRING => {}
            _ => return Err(Error::WrongType),
        }
        if let Content::Unread = self.content {
            self.content = self.read()?;
        }
        Ok(Some(match &self.content {
            Content::Copied(copy, size) => copy.get(..*size).unwrap_or_default(),
            Content::Created(value) => value.bytes(),
            Content::Unread | Content::InPlace => self.in_place(),
        }))
    }

    /// The size of the value in bytes.
    pub(crate) fn size(&self) -> usize {
        // SAFETY: the key is open.
        unsafe { api!(RedisModule_ValueLength(self.raw)) }
    }

    /// Makes an argument the value of a key that does not exist.
    ///
    /// # Errors
    /// [`Error::TooLarge`]
    pub(crate) fn create(&mut self, value: Arg<'a>) -> Result<(), Error> {
        self.context.check_string_size(value.bytes().len())?;
        // SAFETY: the key is open and the string alive. Where the server shares it, it makes a copy
        // before it writes to the value.
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
        self.context.check_string_size(size)?;
        let size = size.max(self.size());
        // SAFETY: the key is open and holds a string. No slice of the old value is left, for each
        // borrows the key; the new one is the only one while it lives.
        unsafe {
            if api!(RedisModule_StringTruncate(self.raw, size)) != OK {
                return Err(Error::TooLarge);
            }
            self.content = Content::InPlace;
            let mut size = 0;
            let bytes = api!(RedisModule_StringDMA(self.raw, &mut size, WRITE));
            Ok(slice::from_raw_parts_mut(bytes.cast(), size))
        }
    }

    /// Deletes the key, as UNLINK does.
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

    /// Reads a short value by GET, which leaves its encoding as it is; another, or where GET was
    /// renamed, in place.
    ///
    /// GET deletes a key whose time has come, but none that this same call found alive: a command
    /// sees one time from its start to its end, and nothing has set another expiry yet.
    ///
    /// # Errors
    /// [`Error::Internal`] if GET finds something else than lies here.
    fn read(&self) -> Result<Content<'a>, Error> {
        if self.size() > EMBEDDED_MAX {
            return Ok(Content::InPlace);
        }
        let Some(reply) = self.context.call_get(self.name) else { return Ok(Content::InPlace) };
        let bytes = reply.bytes().ok_or(Error::Internal)?;
        let mut copy = [0; EMBEDDED_MAX];
        copy.get_mut(..bytes.len()).ok_or(Error::Internal)?.copy_from_slice(bytes);
        Ok(Content::Copied(copy, bytes.len()))
    }

    fn in_place(&self) -> &[u8] {
        let mut size = 0;
        // SAFETY: the key is open and holds a string. All of ours that moves or frees the value
        // borrows the key mutably, and events, to which others answer, are raised once it is closed.
        unsafe {
            let bytes = api!(RedisModule_StringDMA(self.raw, &mut size, READ));
            slice::from_raw_parts(bytes.cast(), size)
        }
    }
}

impl Drop for Key<'_> {
    fn drop(&mut self) {
        // SAFETY: the key is open, and nobody uses it again.
        unsafe { api!(RedisModule_CloseKey(self.raw)) };
    }
}
