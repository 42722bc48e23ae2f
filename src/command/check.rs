//! Validates the stored value, strictly or with TRUST.

use crate::array::{Array, Brackets};
use crate::cache::StemHasher;
use crate::error::Error;
use crate::options::Check;

/// Validates the stored value: all of it, or with TRUST only its brackets. Returns the brackets and the
/// number of elements, which is unknown with TRUST.
///
/// # Errors
/// [`Error::Stored`]
pub(super) fn validate<'t>(
    stored: &'t [u8],
    check: Check,
    hasher: &mut StemHasher,
) -> Result<(Brackets<'t>, Option<usize>), Error> {
    if check == Check::Trust
        && let Some(brackets) = Brackets::find(stored)
    {
        return Ok((brackets, None));
    }
    let Array { brackets, len } = hasher.validate(stored).map_err(Error::Stored)?;
    Ok((brackets, Some(len)))
}
