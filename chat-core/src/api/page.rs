//! Pages of lists: `{limit, cursor}` → `{items, next}`. A cursor is the last key of a page with the
//! day it was made, opaque to clients, the same on every engine, good for 24 hours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{KeyPart, key};

use super::error::ApiError;

/// Items of a page when the caller names no limit.
pub const DEFAULT_LIMIT: usize = 50;
/// Items of a page at most.
pub const MAX_LIMIT: usize = 200;
/// How long a cursor may be used.
const CURSOR_GOOD_FOR_MS: i64 = 24 * 60 * 60 * 1000;

/// A part of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    /// Items at most (1 to 200, 50 when absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl PageParams {
    /// The limit asked for, checked.
    ///
    /// # Errors
    /// `invalid` outside 1 to 200.
    pub fn limit(&self) -> Result<usize, ApiError> {
        checked_limit(self.limit)
    }

    /// The key after which the page begins.
    ///
    /// # Errors
    /// `invalid` when the cursor is not one of ours or older than a day.
    pub fn after(&self, now_ms: i64) -> Result<Option<Vec<u8>>, ApiError> {
        self.cursor
            .as_deref()
            .map(|cursor| read_cursor(cursor, now_ms))
            .transpose()
    }

    /// The same as a key of the list's form.
    ///
    /// # Errors
    /// As [`PageParams::after`], and `invalid` when the cursor holds no such key.
    pub fn after_key<K: KeyPart>(&self, now_ms: i64) -> Result<Option<K>, ApiError> {
        let after = self.after(now_ms)?;
        let read = after.map(|raw| key::decode(&raw).map_err(|_| refused()));
        read.transpose()
    }
}

/// `limit`, or the default.
///
/// # Errors
/// `invalid` outside 1 to 200.
pub fn checked_limit(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(ApiError::invalid(
            "limit",
            "limit_out_of_range",
            "每页 1 到 200 项",
            "A page has 1 to 200 items",
        )),
    }
}

/// The cursor of a page that ends at `key`.
pub fn cursor(key: &[u8], now_ms: i64) -> String {
    let mut bytes = now_ms.to_be_bytes().to_vec();
    bytes.extend_from_slice(key);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn refused() -> ApiError {
    ApiError::invalid(
        "cursor",
        "cursor_expired",
        "列表位置已失效，请重新加载",
        "This cursor is no longer good; load the list anew",
    )
}

fn read_cursor(text: &str, now_ms: i64) -> Result<Vec<u8>, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let (made, key) = bytes.split_first_chunk::<8>().ok_or_else(refused)?;
    let age = now_ms.saturating_sub(i64::from_be_bytes(*made));
    if !(-CURSOR_GOOD_FOR_MS..=CURSOR_GOOD_FOR_MS).contains(&age) {
        return Err(refused());
    }
    Ok(key.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Class;

    #[test]
    fn a_cursor_is_good_for_a_day() {
        let page = |cursor: String| PageParams {
            limit: None,
            cursor: Some(cursor),
        };
        let made = cursor(b"key", 1_000);
        assert_eq!(
            page(made.clone())
                .after(1_000 + CURSOR_GOOD_FOR_MS)
                .unwrap(),
            Some(b"key".to_vec())
        );
        assert!(page(made).after(1_001 + CURSOR_GOOD_FOR_MS).is_err());
        assert!(page("?".into()).after(0).is_err());
    }

    #[test]
    fn a_damaged_cursor_is_invalid() {
        let read = |raw: &[u8]| {
            let cursor = Some(cursor(raw, 1_000));
            PageParams {
                limit: None,
                cursor,
            }
            .after_key::<(u64, String)>(1_000)
        };
        let whole = key::encode(&(7_u64, "张三".to_owned()));
        assert_eq!(read(&whole).unwrap(), Some((7, "张三".to_owned())));
        let longer = [&whole[..], b"x"].concat();
        for damaged in [&b""[..], &whole[1..], &whole[..whole.len() - 1], &longer] {
            let refusal = read(damaged).unwrap_err();
            assert_eq!(
                (refusal.class, refusal.code.as_str()),
                (Class::Invalid, "cursor_expired")
            );
        }
    }

    #[test]
    fn a_page_has_1_to_200_items() {
        assert_eq!(checked_limit(None).unwrap(), 50);
        assert_eq!(checked_limit(Some(200)).unwrap(), 200);
        assert!(checked_limit(Some(0)).is_err());
        assert!(checked_limit(Some(201)).is_err());
    }
}
