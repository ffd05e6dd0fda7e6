//! How much a person may upload.

use super::{ALLOWED, Allowed, ByKind, OF_PERSON, storage_home};
use crate::api::{Answer, ApiError, Class};
use crate::ctx::Caller;
use crate::limits::OPEN_UPLOADS;
use crate::node::Node;

/// Whether `caller` may begin to upload a file of `size` bytes. Calls that he makes at the very same moment may all
/// pass: each of them is counted when it is answered.
///
/// # Errors
/// `quota_reached`, `too_many_uploads`.
pub(in crate::file) async fn room_for(node: &Node, caller: &Caller, size: u64) -> Answer<()> {
    let home = storage_home(caller.space_id);
    let wanted = [
        (home.clone(), OF_PERSON.at(&(), &caller.user_id)),
        (home, ALLOWED.at(&(), &())),
    ];
    let rows = node.store.get_many(&wanted).await?;
    let own = match rows.first().and_then(Option::as_ref) {
        Some(row) => OF_PERSON.decode(row)?,
        None => ByKind::default(),
    };
    let allowed = match rows.get(1).and_then(Option::as_ref) {
        Some(row) => ALLOWED.decode(row)?,
        None => Allowed::default(),
    };
    admit(&own, allowed.quota_bytes, size)
}

fn admit(own: &ByKind, quota: Option<u64>, size: u64) -> Answer<()> {
    if own.uploading.files >= OPEN_UPLOADS {
        let zh = format!("您有 {OPEN_UPLOADS} 个文件还没有传完，请稍后再试");
        let en = format!("{OPEN_UPLOADS} of your uploads are not finished; try again later");
        return Err(ApiError::new(Class::Conflict, "too_many_uploads", zh, en));
    }
    let bytes = own.bytes();
    match quota {
        Some(quota) if bytes.saturating_add(size) > quota => {
            let (used, most) = (bytes_text(bytes), bytes_text(quota));
            let zh = format!("您的文件已占 {used}，上限为 {most}，放不下这个文件；请联系管理员");
            let en = format!(
                "Your files take {used} of {most}: no room for this one; ask an administrator"
            );
            Err(ApiError::new(Class::Conflict, "quota_reached", zh, en))
        }
        _ => Ok(()),
    }
}

/// `1.5 GB`, rounded down.
fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let unit = (0..UNITS.len() - 1).take_while(|unit| bytes >> (10 * (unit + 1)) > 0);
    let unit = unit.count();
    if unit == 0 {
        return format!("{bytes} B");
    }
    let tenths = (u128::from(bytes) * 10) >> (10 * unit);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {}", UNITS[unit]),
        (whole, tenth) => format!("{whole}.{tenth} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::usage::Use;

    #[test]
    fn plat_i20_the_last_byte_of_a_quota_may_be_used() {
        let own = ByKind {
            files: Use {
                files: 1,
                bytes: 900,
            },
            ..ByKind::default()
        };
        assert!(admit(&own, None, u64::MAX).is_ok());
        assert!(admit(&own, Some(1_000), 100).is_ok());
        let refusal = admit(&own, Some(1_000), 101).unwrap_err();
        assert_eq!(
            (refusal.class, &*refusal.code),
            (Class::Conflict, "quota_reached")
        );
        let many = |files| ByKind {
            uploading: Use { files, bytes: 0 },
            ..ByKind::default()
        };
        assert!(admit(&many(OPEN_UPLOADS - 1), None, 1).is_ok());
        let refusal = admit(&many(OPEN_UPLOADS), None, 1).unwrap_err();
        assert_eq!(refusal.code, "too_many_uploads");
    }

    #[test]
    fn sizes_are_told_in_words() {
        for (bytes, told) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1 KB"),
            (1_536, "1.5 KB"),
            (100 << 20, "100 MB"),
            ((5 << 30) - 1, "4.9 GB"),
            (u64::MAX, "16777215.9 TB"),
        ] {
            assert_eq!(bytes_text(bytes), told);
        }
    }
}
