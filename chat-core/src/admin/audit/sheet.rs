//! The audit as CSV that Excel opens by a double click: UTF-8 with its mark, lines that end as Windows ends them, and
//! no cell that a spreadsheet takes for a formula: people choose their names and those of their devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

use super::{AuditEntry, AuditPerson};
use crate::api::{Answer, ApiError};

/// In which language a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    /// Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

const HEAD_ZH: [&str; 14] = [
    "时间",
    "操作人",
    "操作人帐号",
    "操作",
    "方法",
    "结果",
    "对象类型",
    "对象编号",
    "涉及人员",
    "涉及帐号",
    "说明",
    "地址",
    "设备",
    "请求编号",
];
const HEAD_EN: [&str; 14] = [
    "Time",
    "By",
    "By login",
    "What",
    "Method",
    "Result",
    "Target",
    "Target id",
    "About",
    "About login",
    "Detail",
    "Address",
    "Device",
    "Request id",
];

/// The mark at the beginning of a file by which Excel knows that it is UTF-8.
const MARK: &str = "\u{feff}";

/// How far the clock on the wall is from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Zone(UtcOffset);

impl Zone {
    /// Reads `+08:00`, which is meant where nothing is said.
    ///
    /// # Errors
    /// `invalid` at `zone`.
    pub(super) fn read(text: Option<&str>) -> Answer<Self> {
        let refused = || {
            ApiError::invalid(
                "zone",
                "zone_invalid",
                "时区应写作 +08:00",
                "A zone is written as +08:00",
            )
        };
        let text = text.unwrap_or("+08:00");
        let read = |text: &str| -> Option<Self> {
            let (sign, rest) = text.split_at_checked(1)?;
            let sign: i8 = match sign {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let (hours, minutes) = rest.split_once(':')?;
            let two = |text: &str| {
                let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| text.parse::<i8>().ok()).flatten()
            };
            let (hours, minutes) = (two(hours)?, two(minutes)?);
            let fits = hours <= 14 && minutes < 60;
            let offset = fits.then(|| UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok());
            offset.flatten().map(Self)
        };
        read(text).ok_or_else(refused)
    }

    /// `2026-01-05 08:00:00`, which a spreadsheet takes for a time.
    fn time(self, ms: i64) -> String {
        let Ok(at) = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)) else {
            return String::new();
        };
        let at = at.to_offset(self.0);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let month = u8::from(month);
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// A cell that no spreadsheet runs: one that begins as a formula does is made text by a mark before it.
fn harmless(cell: &str) -> String {
    let begins = cell.chars().next().is_some_and(|first| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
        )
    });
    if begins {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// A table that is being written.
pub(super) struct Sheet {
    language: Language,
    zone: Zone,
    csv: csv::Writer<Vec<u8>>,
    begins: bool,
    bytes: usize,
}

impl Sheet {
    /// A part of a table; `begins` says that it is the first.
    ///
    /// # Errors
    /// Never, but for a mistake in the code.
    pub(super) fn new(language: Language, zone: Zone, begins: bool) -> Answer<Self> {
        let csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let mut sheet = Self {
            language,
            zone,
            csv,
            begins,
            bytes: 0,
        };
        if begins {
            let head = match language {
                Language::Chinese => HEAD_ZH,
                Language::English => HEAD_EN,
            };
            sheet.write(&head.map(str::to_owned))?;
        }
        Ok(sheet)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// Never, but for a mistake in the code.
    pub(super) fn row(&mut self, entry: &AuditEntry) -> Answer<()> {
        let person = |person: &Option<AuditPerson>| match person {
            Some(person) => (person.name.clone(), person.login.clone()),
            None => (String::new(), String::new()),
        };
        let (by, by_login) = person(&entry.by);
        let (about, about_login) = person(&entry.user);
        let (label, done) = match self.language {
            Language::Chinese => (&entry.label.zh, "已完成"),
            Language::English => (&entry.label.en, "done"),
        };
        let target = entry.target.as_ref();
        let kind = target.map(|target| serde_json::to_value(target.kind).unwrap_or_default());
        let kind = kind.as_ref().and_then(|kind| kind.as_str());
        let row = [
            self.zone.time(entry.noted_at),
            by,
            by_login,
            label.clone(),
            entry.method.clone(),
            entry.refused.clone().unwrap_or_else(|| done.to_owned()),
            kind.unwrap_or_default().to_owned(),
            target.map(|target| target.id.clone()).unwrap_or_default(),
            about,
            about_login,
            entry.detail.clone().unwrap_or_default(),
            entry.address.clone(),
            entry.device_name.clone(),
            entry.request_id.clone(),
        ];
        self.write(&row)
    }

    fn write(&mut self, cells: &[String; 14]) -> Answer<()> {
        let cells = cells.each_ref().map(|cell| harmless(cell));
        // With quotes and commas, about.
        self.bytes += cells.iter().map(|cell| cell.len() + 3).sum::<usize>();
        self.csv.write_record(&cells).map_err(mistake)
    }

    /// Bytes so far, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text of this part.
    ///
    /// # Errors
    /// Never, but for a mistake in the code.
    pub(super) fn end(self) -> Answer<String> {
        let bytes = self.csv.into_inner().map_err(mistake)?;
        let text = String::from_utf8(bytes).map_err(mistake)?;
        let mark = if self.begins { MARK } else { "" };
        Ok(format!("{mark}{text}"))
    }
}

fn mistake(error: impl std::fmt::Display) -> ApiError {
    tracing::error!(%error, "a table could not be written");
    ApiError::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+86", "-2", "@SUM(A1)", "\tx", "\r=1", "＝1"] {
            assert_eq!(harmless(cell), format!("'{cell}"), "{cell:?}");
        }
        for cell in ["", "张三", "10.0.0.1", "a=b"] {
            assert_eq!(harmless(cell), cell);
        }
    }

    #[test]
    fn a_time_is_that_of_the_wall() {
        let zone = |text: &str| Zone::read(Some(text));
        let at = 1_767_571_200_000;
        assert_eq!(zone("+08:00").unwrap().time(at), "2026-01-05 08:00:00");
        assert_eq!(zone("-03:30").unwrap().time(at), "2026-01-04 20:30:00");
        for bad in ["", "8", "+8:00", "+15:00", "+08:60", "x08:00", "+０８:00"] {
            assert_eq!(
                zone(bad).map(|_| ()).unwrap_err().code,
                "zone_invalid",
                "{bad}"
            );
        }
    }

    #[test]
    fn only_the_first_part_has_a_head_and_a_mark() {
        let zone = Zone::read(None).unwrap();
        let first = Sheet::new(Language::Chinese, zone, true).unwrap();
        let text = first.end().unwrap();
        assert!(text.starts_with("\u{feff}时间,操作人,"), "{text}");
        assert!(text.ends_with("\r\n"));
        let second = Sheet::new(Language::English, zone, false).unwrap();
        assert_eq!(second.end().unwrap(), "");
    }
}
