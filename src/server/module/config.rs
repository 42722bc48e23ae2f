//! The module's configs: `jsonmerge.<name>` in redis.conf and CONFIG, `<name> <value>` after the file on
//! the loadmodule line.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use libc::{c_int, c_longlong, c_void};
use redis_module::raw::{self, RedisModuleString};

use crate::server::{Arg, Context, ERR, OK};

/// A config whose value is a number from 0 to `max`.
pub(crate) struct Config {
    /// Without the module's name.
    pub(crate) name: &'static CStr,
    pub(crate) default: usize,
    pub(crate) max: usize,
    pub(crate) get: fn() -> usize,
    /// # Errors
    /// Why the value is refused. The config is unchanged.
    pub(crate) set: fn(usize) -> Result<(), &'static CStr>,
}

impl Config {
    fn is(&self, name: Arg) -> bool {
        name.bytes().eq_ignore_ascii_case(self.name.to_bytes())
    }
}

/// Registers the configs and sets each to its value in redis.conf, or else on the loadmodule line, or else
/// to its default.
///
/// # Errors
/// What to log. If [`Config::set`] refuses a value, the server logs the reason.
pub(super) fn register_configs(
    context: &Context,
    configs: &'static [Config],
    args: &[Arg],
) -> Result<(), String> {
    let (pairs, rest) = args.as_chunks::<2>();
    let is_known = |name: &Arg| configs.iter().any(|config| config.is(*name));
    let mut names = pairs.iter().map(|[name, _]| name).chain(rest);
    if let Some(name) = names.find(|name| !is_known(name)) {
        return Err(format!("unknown config {:?}", String::from_utf8_lossy(name.bytes())));
    }
    if !rest.is_empty() {
        return Err("the last config has no value".into());
    }
    for config in configs {
        // The last value wins, as in redis.conf.
        let given = pairs.iter().rev().find(|[name, _]| config.is(*name));
        let value = given.map_or(Ok(config.default), |[_, value]| parse(config, *value))?;
        register_config(context, config, value)?;
    }
    // SAFETY: the context is alive.
    match unsafe { api!(RedisModule_LoadConfigs(context.raw)) } {
        OK => Ok(()),
        _ => Err("the server refused to set the configs".into()),
    }
}

fn parse(config: &Config, value: Arg) -> Result<usize, String> {
    let number = str::from_utf8(value.bytes()).ok().and_then(|text| text.parse().ok());
    number.filter(|number| *number <= config.max).ok_or_else(|| {
        format!("{} must be a number from 0 to {}", config.name.to_string_lossy(), config.max)
    })
}

fn register_config(context: &Context, config: &'static Config, value: usize) -> Result<(), String> {
    // SAFETY: the context is alive; the name, and the config that the callbacks receive, are static.
    let registered = unsafe {
        api!(RedisModule_RegisterNumericConfig(
            context.raw,
            config.name.as_ptr(),
            value as c_longlong,
            raw::REDISMODULE_CONFIG_DEFAULT,
            0,
            config.max as c_longlong,
            Some(get),
            Some(set),
            None,
            ptr::from_ref(config).cast_mut().cast(),
        ))
    };
    if registered == OK {
        Ok(())
    } else {
        Err(format!("the server refused to register the config {:?}", config.name))
    }
}

unsafe extern "C" fn get(_: *const c_char, config: *mut c_void) -> c_longlong {
    // SAFETY: the server passes the pointer that the config was registered with.
    let config: &'static Config = unsafe { &*config.cast() };
    catch_unwind(|| (config.get)() as c_longlong).unwrap_or_default()
}

unsafe extern "C" fn set(
    _: *const c_char,
    value: c_longlong,
    config: *mut c_void,
    error: *mut *mut RedisModuleString,
) -> c_int {
    // SAFETY: the server passes the pointer that the config was registered with.
    let config: &'static Config = unsafe { &*config.cast() };
    let set = AssertUnwindSafe(|| match (config.set)(usize::try_from(value).unwrap_or_default()) {
        Ok(()) => OK,
        Err(reason) => {
            let (text, size) = (reason.as_ptr(), reason.count_bytes());
            // SAFETY: `error` points to a place for a string, which the server frees. A string
            // needs no context.
            unsafe { *error = api!(RedisModule_CreateString(ptr::null_mut(), text, size)) };
            ERR
        }
    });
    catch_unwind(set).unwrap_or(ERR)
}
