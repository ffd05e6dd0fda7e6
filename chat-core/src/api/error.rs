//! What a caller is told when a call fails: a class that decides what a client does, a code that
//! programs read, and a sentence in Chinese and in English that people read.

use std::ops::{Deref, DerefMut};

use schemars::JsonSchema;
use serde::Serialize;
use storage::{Race, StoreError};

/// What a client does about it; also decides the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Sign in again (401).
    Unauthenticated,
    /// Stop (403).
    Forbidden,
    /// Stop; hidden objects always answer this (404).
    NotFound,
    /// Show it at the field (400).
    Invalid,
    /// Reload and decide (409).
    Conflict,
    /// Wait `retry_after_ms` (429).
    Limited,
    /// Keep the input, try later (503).
    Unavailable,
    /// Send again with the same id (504).
    Unknown,
    /// Report `request_id` (500).
    Internal,
}

/// A sentence in the two languages of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sentence {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The one error that leaves the server. Boxed, since a call seldom fails and every result would carry
/// its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", .0.message.en)]
#[serde(transparent)]
pub struct ApiError(Box<Refusal>);

/// What an [`ApiError`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// What a client does.
    pub class: Class,
    /// The requirement row's word.
    pub code: String,
    /// What a person reads.
    pub message: Sentence,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Wait this long before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<i64>,
    /// Names this call in the server's log.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request_id: String,
}

impl JsonSchema for ApiError {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ApiError".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Refusal::json_schema(generator)
    }
}

impl Deref for ApiError {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl DerefMut for ApiError {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

impl ApiError {
    /// An error of `class` with its code and both sentences.
    pub fn new(class: Class, code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            class,
            code: code.to_owned(),
            message: Sentence {
                zh: zh.into(),
                en: en.into(),
            },
            field: None,
            retry_after_ms: None,
            request_id: String::new(),
        }))
    }

    /// The same, naming the parameter that is wrong.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// The same, naming how long to wait.
    #[must_use]
    pub fn after_ms(mut self, retry_after_ms: i64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }

    fn plain((class, code, zh, en): Plain) -> Self {
        Self::new(class, code, zh, en)
    }

    /// A mistake of the server itself; what it was stands in the log.
    pub fn internal() -> Self {
        Self::plain(INTERNAL)
    }

    /// Something is wrong with parameter `field`.
    pub fn invalid(field: &str, code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Class::Invalid, code, zh, en).at(field)
    }

    /// Hidden and absent things answer alike.
    pub fn not_found() -> Self {
        Self::new(
            Class::NotFound,
            "not_found",
            "内容不存在或您无权查看",
            "It does not exist, or you may not see it",
        )
    }

    /// The caller has no right to do this to something that he may see.
    pub fn forbidden() -> Self {
        Self::new(
            Class::Forbidden,
            "forbidden",
            "您没有权限进行此操作",
            "You may not do this",
        )
    }

    /// No valid token.
    pub fn unauthenticated() -> Self {
        Self::new(
            Class::Unauthenticated,
            "unauthenticated",
            "请重新登录",
            "Please sign in again",
        )
    }

    /// More of a thing than its limit allows.
    pub fn too_many(field: &str, limit: usize) -> Self {
        Self::invalid(
            field,
            "too_many",
            format!("最多 {limit} 项"),
            format!("At most {limit} items"),
        )
    }

    /// The HTTP status of this error.
    pub fn status(&self) -> u16 {
        match self.class {
            Class::Unauthenticated => 401,
            Class::Forbidden => 403,
            Class::NotFound => 404,
            Class::Invalid => 400,
            Class::Conflict => 409,
            Class::Limited => 429,
            Class::Unavailable => 503,
            Class::Unknown => 504,
            Class::Internal => 500,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge { limit, .. } => Self::new(
                Class::Invalid,
                "too_large",
                format!("内容过大，上限 {limit} 字节"),
                format!("Larger than {limit} bytes"),
            ),
            StoreError::Limit { what, limit } => Self::new(
                Class::Conflict,
                "limit_reached",
                format!("已达上限 {limit}"),
                format!("The limit of {limit} is reached ({what})"),
            ),
            StoreError::Contended => Self::contended(),
            StoreError::Busy => Self::plain(BUSY).after_ms(1_000),
            StoreError::Conflict { .. } => Self::plain(CHANGED),
            StoreError::ClientIdReused => Self::plain(REUSED),
            StoreError::ClientIdExpired => Self::plain(EXPIRED),
            StoreError::StorageFull => Self::plain(FULL),
            StoreError::Closed => Self::plain(CLOSED),
            StoreError::Unavailable(_) => Self::plain(UNREACHED),
            StoreError::Unknown => Self::plain(UNKNOWN),
            other => {
                tracing::error!(error = %other, "store");
                Self::plain(INTERNAL)
            }
        }
    }
}

type Plain = (Class, &'static str, &'static str, &'static str);

const BUSY: Plain = (
    Class::Unavailable,
    "busy",
    "服务器繁忙，请稍后再试",
    "The server is busy; try again shortly",
);
const CHANGED: Plain = (
    Class::Conflict,
    "changed_meanwhile",
    "内容已被其他人修改，请刷新后重试",
    "Somebody changed it meanwhile; reload and try again",
);
const REUSED: Plain = (
    Class::Conflict,
    "client_id_reused",
    "该编号已用于另一个请求",
    "This client id was used for another request",
);
const EXPIRED: Plain = (
    Class::Conflict,
    "expired",
    "该编号已过期",
    "This client id is too old",
);
const FULL: Plain = (
    Class::Unavailable,
    "storage_full",
    "服务器存储空间不足，暂时不能写入",
    "The server's disk is full; reading still works",
);
const CLOSED: Plain = (
    Class::Unavailable,
    "store_closed",
    "服务器正在停止",
    "The server is stopping",
);
const UNREACHED: Plain = (
    Class::Unavailable,
    "store_unavailable",
    "服务暂时不可用，请稍后再试",
    "The store is out of reach; try again shortly",
);
const UNKNOWN: Plain = (
    Class::Unknown,
    "unknown",
    "结果未知，请用同一编号重试",
    "The outcome is unknown; send again with the same id",
);
const INTERNAL: Plain = (
    Class::Internal,
    "internal",
    "服务器内部错误",
    "Something went wrong in the server",
);

impl Race for ApiError {
    fn lost_race(&self) -> bool {
        self.code == "changed_meanwhile"
    }

    fn contended() -> Self {
        Self::new(
            Class::Unavailable,
            "contended",
            "同时操作的人太多，请稍后再试",
            "Too many people are changing this; try again shortly",
        )
        .after_ms(200)
    }
}
