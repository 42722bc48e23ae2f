//! An open key. Every method that changes it also propagates the change, and closing it signals the change
//! and raises events. So no write lacks its effect, and no event is raised while the key is open.

use std::mem;
use std::ops::Range;
use std::slice;

use libc::{c_int, c_longlong};
use redis_module::raw::{self, RedisModuleKey};

use crate::error::Error;
use crate::server::limit::API_LIMIT;
use crate::server::propagate::Effect;
use crate::server::{Arg, Context, Event, OK};

/// A key that is open for writing, and whose value is a string if it has one.
pub(crate) struct Key<'a> {
    raw: *mut RedisModuleKey,
    context: &'a Context<'a>,
    name: Arg<'a>,
    value: Value<'a>,
    is_changed: bool,
}

enum Value<'a> {
    /// The key does not exist.
    Missing,
    /// The value is in the server's memory.
    Stored,
    /// The value is this argument. Reading it from the key would copy a short one.
    Created(Arg<'a>),
}

const READ: c_int = raw::REDISMODULE_READ as c_int;
const WRITE: c_int = raw::REDISMODULE_WRITE as c_int;

impl<'a> Context<'a> {
    /// Opens a key, which need not exist.
    ///
    /// # Errors
    /// [`Error::WrongType`] if it holds anything but a string.
    pub(crate) fn open(&'a self, name: Arg<'a>) -> Result<Key<'a>, Error> {
        // SAFETY: the context and the name are alive. A key that is opened for writing is never null.
        let raw = unsafe { api!(RedisModule_OpenKey(self.raw, name.raw, READ | WRITE)) };
        let mut key = Key { raw, context: self, name, value: Value::Missing, is_changed: false };
        // SAFETY: the key is open.
        match unsafe { api!(RedisModule_KeyType(raw)) } as isize {
            raw::REDISMODULE_KEYTYPE_EMPTY => {}
            raw::REDISMODULE_KEYTYPE_STRING => key.value = Value::Stored,
            _ => return Err(Error::WrongType),
        }
        Ok(key)
    }
}

impl<'a> Key<'a> {
    /// Returns whether the key exists.
    pub(crate) fn exists(&self) -> bool {
        !matches!(self.value, Value::Missing)
    }

    /// Returns the value, or `None` if the key does not exist. A short value becomes a raw string.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        match self.value {
            Value::Missing => None,
            Value::Created(value) => Some(value.bytes()),
            Value::Stored => {
                let mut size = 0;
                // SAFETY: the key is open and holds a string. Everything that moves or frees the value
                // borrows the key mutably or consumes it, and events, to which other modules may
                // respond, are raised after the key is closed.
                Some(unsafe {
                    let bytes = api!(RedisModule_StringDMA(self.raw, &mut size, READ));
                    slice::from_raw_parts(bytes.cast(), size)
                })
            }
        }
    }

    /// Sets the value of a missing key, and propagates SET.
    ///
    /// # Errors
    /// [`Error::TooLarge`]: the key is still missing.
    pub(crate) fn create(&mut self, value: Arg<'a>) -> Result<(), Error> {
        self.context.check_string_size(value.bytes().len())?;
        // SAFETY: the key is open and the string is alive. The server shares the string, and copies it
        // before it writes to the value.
        unsafe { api!(RedisModule_StringSet(self.raw, value.raw)) };
        self.value = Value::Created(value);
        self.propagate(Effect::Set(value));
        Ok(())
    }

    /// Calls `write` to fill a range of the value, and propagates SETRANGE. The value grows if the range ends
    /// beyond it.
    ///
    /// # Complexity
    /// O(n) in the size of the range, amortised: the server's strings grow by more than they need.
    ///
    /// # Errors
    /// [`Error::TooLarge`]: the value is unchanged.
    pub(crate) fn set_range(
        &mut self,
        range: Range<usize>,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Error> {
        let (context, name, offset) = (self.context, self.name, range.start);
        let bytes = self.grow(range)?;
        write(bytes);
        context.propagate(name, Effect::SetRange { offset, bytes });
        Ok(())
    }

    /// Calls `write` to rearrange the value, truncates it to `size` bytes, and propagates SET with KEEPTTL.
    /// The value must not be shorter than `size`.
    ///
    /// # Complexity
    /// O(n) in `size`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the module API cannot truncate to this size. The value is unchanged.
    pub(crate) fn rewrite(
        &mut self,
        size: usize,
        write: impl FnOnce(&mut [u8]),
    ) -> Result<(), Error> {
        if size > API_LIMIT {
            return Err(Error::TooLarge);
        }
        write(self.bytes_mut());
        // SAFETY: the key is open and holds a string, and no slice of its value is left. Truncating to a
        // size up to the limit does not fail.
        unsafe { api!(RedisModule_StringTruncate(self.raw, size)) };
        let (context, name) = (self.context, self.name);
        context.propagate(name, Effect::Rewrite(self.bytes_mut()));
        Ok(())
    }

    /// Returns a range of the value for writing. The value grows if the range ends beyond it.
    fn grow(&mut self, range: Range<usize>) -> Result<&mut [u8], Error> {
        // SAFETY: the key is open and holds a string. No slice of its value is left, because each borrows
        // the key.
        unsafe {
            if range.end > api!(RedisModule_ValueLength(self.raw)) {
                self.context.check_string_size(range.end)?;
                if api!(RedisModule_StringTruncate(self.raw, range.end)) != OK {
                    return Err(Error::TooLarge);
                }
            }
        }
        self.bytes_mut().get_mut(range).ok_or(Error::Internal)
    }

    /// Returns the value for writing.
    fn bytes_mut(&mut self) -> &mut [u8] {
        (self.value, self.is_changed) = (Value::Stored, true);
        let mut size = 0;
        // SAFETY: the key is open and holds a string. No slice of the value is left, because each borrows
        // the key, and the new slice is the only one while it lives.
        unsafe {
            let bytes = api!(RedisModule_StringDMA(self.raw, &mut size, WRITE));
            slice::from_raw_parts_mut(bytes.cast(), size)
        }
    }

    /// Deletes the key, and propagates UNLINK.
    pub(crate) fn unlink(&mut self) {
        // SAFETY: the key is open, and no slice of its value is left, because each borrows the key.
        unsafe { api!(RedisModule_UnlinkKey(self.raw)) };
        self.value = Value::Missing;
        self.propagate(Effect::Unlink);
    }

    /// Sets the expire time, a Unix time in milliseconds, and propagates PEXPIREAT.
    pub(crate) fn expire_at(&mut self, time: i64) {
        // SAFETY: the key is open.
        unsafe { api!(RedisModule_SetAbsExpire(self.raw, time)) };
        self.propagate(Effect::ExpireAt(time));
    }

    /// Removes the TTL, and propagates PERSIST. Returns whether there was a TTL.
    pub(crate) fn persist(&mut self) -> bool {
        let never = c_longlong::from(raw::REDISMODULE_NO_EXPIRE);
        // SAFETY: the key is open.
        unsafe {
            if api!(RedisModule_GetExpire(self.raw)) == never {
                return false;
            }
            api!(RedisModule_SetExpire(self.raw, never));
        }
        self.propagate(Effect::Persist);
        true
    }

    fn propagate(&mut self, effect: Effect) {
        self.is_changed = true;
        self.context.propagate(self.name, effect);
    }

    /// Closes the key, which signals any change, then raises these events. Other modules may respond to an
    /// event by changing the key.
    pub(crate) fn close(self, events: impl IntoIterator<Item = Event>) {
        let (context, name) = (self.context, self.name);
        mem::drop(self);
        events.into_iter().for_each(|event| context.notify(name, event));
    }
}

impl Drop for Key<'_> {
    /// Closes the key. If it has changed, invalidates transactions that WATCH it and clients that cache it,
    /// and serves clients that wait for it, even if a panic prevents its events.
    fn drop(&mut self) {
        // SAFETY: the key is open, and nothing uses it afterwards.
        unsafe { api!(RedisModule_CloseKey(self.raw)) };
        if self.is_changed {
            self.context.signal_modified(self.name);
            if self.exists() {
                self.context.signal_ready(self.name);
            }
        }
    }
}
