//! Settings of the module: `jsonmerge.<name>` in redis.conf and CONFIG, `<name> <value>` behind the
//! file on the loadmodule line.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use libc::{c_int, c_longlong, c_void};
use redis_module::raw::{self, RedisModuleString};

use crate::server::{Arg, Context, ERR, OK};

/// A setting whose value is a number from 0 to `max`.
pub(crate) struct Setting {
    /// Without the module's name.
    pub(crate) name: &'static CStr,
    pub(crate) default: usize,
    pub(crate) max: usize,
    pub(crate) get: fn() -> usize,
    /// # Errors
    /// What to tell who set it; the setting is as it was.
    pub(crate) set: fn(usize) -> Result<(), &'static CStr>,
}

impl Setting {
    fn is(&self, name: Arg) -> bool {
        name.bytes().eq_ignore_ascii_case(self.name.to_bytes())
    }
}

impl Context<'_> {
    /// Registers the settings and gives them their first values: those of redis.conf, else of the
    /// loadmodule line, else the defaults.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(super) fn configure(
        &self,
        settings: &'static [Setting],
        line: &[Arg],
    ) -> Result<(), String> {
        let (pairs, rest) = line.as_chunks::<2>();
        let is_known = |name: &Arg| settings.iter().any(|setting| setting.is(*name));
        let mut names = pairs.iter().map(|[name, _]| name).chain(rest);
        if let Some(name) = names.find(|name| !is_known(name)) {
            return Err(format!("it has no setting {:?}", String::from_utf8_lossy(name.bytes())));
        }
        if !rest.is_empty() {
            return Err("the last setting has no value".into());
        }
        for setting in settings {
            // The last one counts, as in redis.conf.
            let given = pairs.iter().rev().find(|[name, _]| setting.is(*name));
            self.register_setting(setting, given.map(|[_, value]| *value))?;
        }
        // SAFETY: the context is alive.
        match unsafe { api!(RedisModule_LoadConfigs(self.raw)) } {
            OK => Ok(()),
            _ => Err("the server refuses its settings".into()),
        }
    }

    fn register_setting(
        &self,
        setting: &'static Setting,
        value: Option<Arg>,
    ) -> Result<(), String> {
        let name = setting.name.to_string_lossy();
        let first = match value {
            None => setting.default,
            Some(value) => {
                let number = str::from_utf8(value.bytes()).ok().and_then(|text| text.parse().ok());
                number
                    .filter(|number| *number <= setting.max)
                    .ok_or_else(|| format!("{name} must be a number from 0 to {}", setting.max))?
            }
        };
        (setting.set)(first).map_err(|reason| format!("{name} {}", reason.to_string_lossy()))?;
        // SAFETY: the context is alive, the name and the setting that the callbacks get are static.
        let registered = unsafe {
            api!(RedisModule_RegisterNumericConfig(
                self.raw,
                setting.name.as_ptr(),
                first as c_longlong,
                raw::REDISMODULE_CONFIG_DEFAULT,
                0,
                setting.max as c_longlong,
                Some(get),
                Some(set),
                None,
                ptr::from_ref(setting).cast_mut().cast(),
            ))
        };
        if registered == OK {
            Ok(())
        } else {
            Err(format!("the server refuses the setting {name}"))
        }
    }
}

unsafe extern "C" fn get(_: *const c_char, setting: *mut c_void) -> c_longlong {
    // SAFETY: the server passes the pointer that the setting was registered with.
    let setting: &'static Setting = unsafe { &*setting.cast() };
    catch_unwind(|| (setting.get)() as c_longlong).unwrap_or_default()
}

unsafe extern "C" fn set(
    _: *const c_char,
    value: c_longlong,
    setting: *mut c_void,
    error: *mut *mut RedisModuleString,
) -> c_int {
    // SAFETY: the server passes the pointer that the setting was registered with.
    let setting: &'static Setting = unsafe { &*setting.cast() };
    let set =
        AssertUnwindSafe(|| match (setting.set)(usize::try_from(value).unwrap_or_default()) {
            Ok(()) => OK,
            Err(reason) => {
                let (text, size) = (reason.as_ptr(), reason.count_bytes());
                // SAFETY: `error` points to a place for a string, which the server frees and for which
                // no context is needed.
                unsafe { *error = api!(RedisModule_CreateString(ptr::null_mut(), text, size)) };
                ERR
            }
        });
    catch_unwind(set).unwrap_or(ERR)
}
