//! Whether a caller is let in to a method. Rights on a single conversation or record are the
//! method's own business.

use storage::Store;

use crate::api::{Access, Answer, ApiError, Class};
use crate::ctx::Caller;
use crate::directory::person::{self, Role};

/// Lets `caller` in to a method of `access`.
///
/// # Errors
/// `unauthenticated`, or `forbidden` (`password_change_required` with a first password).
pub async fn admit(store: &Store, access: Access, caller: Option<&Caller>) -> Answer<()> {
    if access == Access::Public {
        return Ok(());
    }
    let caller = caller.ok_or_else(ApiError::unauthenticated)?;
    if access == Access::NewPassword {
        return Ok(());
    }
    if caller.must_change_password {
        return Err(ApiError::new(
            Class::Forbidden,
            "password_change_required",
            "请先修改初始密码",
            "Change the first password before anything else",
        ));
    }
    if access == Access::Member {
        return Ok(());
    }
    match person::member(store, caller.space_id, caller.user_id).await? {
        Some(member) if member.role == Role::Admin && member.disabled.is_none() => Ok(()),
        _ => Err(ApiError::forbidden()),
    }
}
