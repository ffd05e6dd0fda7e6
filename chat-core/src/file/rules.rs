//! Which files are taken, what a file is, and what a link says. Pure.

use super::turned::on_its_side;
use super::types::{FileId, FileInfo, FileKind};
use crate::api::{Answer, ApiError, Class};
use crate::clock::HOUR_MS;
use crate::ids::{ConversationId, Id, UserId};
use crate::limits::{FILE_BYTES, FILE_NAME_CHARS, PICTURE_BYTES, PICTURE_PIXELS};
use crate::secret::{Key, mac, same};
use crate::text;

/// Endings of names that a Windows machine runs (`IM-i08` names the first; the others are the same thing).
const PROGRAMS: [&str; 4] = ["exe", "com", "scr", "msi"];
/// What a browser shows of itself without running anything in it. SVG is not among them: it holds scripts.
const SHOWN: [&str; 10] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "audio/mpeg",
    "audio/m4a",
    "audio/ogg",
    "audio/x-wav",
    "video/mp4",
    "video/webm",
];

/// The name as it is kept: one line, without folders.
pub(super) fn name(typed: &str) -> Answer<String> {
    let last = typed.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = text::line("name", last, FILE_NAME_CHARS)?;
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let program = ending.is_some_and(|ending| {
        let ending = ending.trim_end_matches([' ', '.']).to_lowercase();
        PROGRAMS.contains(&ending.as_str())
    });
    if program || name.trim_end_matches('.').to_lowercase().ends_with(".exe") {
        return Err(refused_kind());
    }
    Ok(name)
}

pub(super) fn size(bytes: u64) -> Answer<()> {
    if bytes == 0 {
        return Err(ApiError::invalid(
            "size",
            "file_empty",
            "不能发送空文件",
            "The file is empty",
        ));
    }
    if bytes > FILE_BYTES {
        return Err(ApiError::invalid(
            "size",
            "file_too_large",
            format!("文件不能超过 {} MB", FILE_BYTES >> 20),
            format!("A file has {} MB at most", FILE_BYTES >> 20),
        ));
    }
    Ok(())
}

pub(super) fn refused_kind() -> ApiError {
    ApiError::new(
        Class::Invalid,
        "file_kind_refused",
        "不能发送可执行程序（如 .exe）",
        "Programs (.exe and the like) can't be sent",
    )
}

/// What the file is, by its first bytes.
pub(super) fn info(file_id: FileId, name: &str, size: u64, head: &[u8]) -> Answer<FileInfo> {
    // `MZ`: whatever its name says, Windows runs it.
    if head.starts_with(b"MZ") {
        return Err(refused_kind());
    }
    let kind = infer::get(head);
    let mime = kind.map_or("application/octet-stream", |kind| kind.mime_type());
    let picture = matches!(
        mime,
        "image/png" | "image/jpeg" | "image/gif" | "image/webp"
    );
    let measured = (picture && size <= PICTURE_BYTES)
        .then(|| imagesize::blob_size(head).ok())
        .flatten();
    let sides = measured
        .and_then(|it| {
            Some((
                u32::try_from(it.width).ok()?,
                u32::try_from(it.height).ok()?,
            ))
        })
        // A few bytes may claim to be a picture of gigabytes: a browser that opens it dies.
        .filter(|(width, height)| {
            let pixels = u64::from(*width) * u64::from(*height);
            (1..=PICTURE_PIXELS).contains(&pixels)
        })
        .map(|(width, height)| match on_its_side(head) {
            true => (height, width),
            false => (width, height),
        });
    Ok(FileInfo {
        file_id,
        name: name.to_owned(),
        size,
        mime: mime.to_owned(),
        kind: sides.map_or(FileKind::File, |_| FileKind::Image),
        width: sides.map(|(width, _)| width),
        height: sides.map(|(_, height)| height),
    })
}

/// Whether a browser may show it in its place.
pub(super) fn shown(mime: &str) -> bool {
    SHOWN.contains(&mime)
}

/// Until when a link made now is good: two full hours from the last, so that one hour is left at least.
pub(super) const fn link_ends(now_ms: i64) -> i64 {
    (now_ms.div_euclid(HOUR_MS) + 2) * HOUR_MS
}

/// Who may see what, until when: what a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The file.
    pub file_id: FileId,
    /// Where it was sent.
    pub conversation_id: ConversationId,
    /// Who may see it.
    pub user_id: UserId,
    /// Until when, in ms since the epoch.
    pub expires_at: i64,
}

impl Pass {
    fn signature(&self, key: &Key) -> String {
        let parts: [&[u8]; 5] = [
            b"file link",
            &self.file_id.0,
            &self.conversation_id.0,
            &self.user_id.0,
            &self.expires_at.to_be_bytes(),
        ];
        let mut half = [0; 16];
        half.copy_from_slice(&mac(key, &parts)[..16]);
        Id(half).to_string()
    }

    /// The link.
    pub(super) fn url(&self, key: &Key) -> String {
        let Self {
            file_id,
            conversation_id,
            user_id,
            expires_at,
        } = self;
        let signature = self.signature(key);
        format!("/files/{file_id}?c={conversation_id}&u={user_id}&e={expires_at}&s={signature}")
    }

    /// Whether this server signed it, and it is still good.
    pub(super) fn holds(&self, key: &Key, signature: &str, now_ms: i64) -> bool {
        let own = self.signature(key);
        same(own.as_bytes(), signature.as_bytes()) && now_ms < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::turned::tests::photo;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x01\0\x08\x06\0\0\0\0\0\0\0";

    #[test]
    fn im_i08_programs_are_refused_by_name() {
        for bad in [
            "a.exe",
            "A.EXE",
            "报价.pdf.exe",
            "a.exe.",
            "C:\\x\\a.Exe ",
            "setup.msi",
            "a.scr",
        ] {
            assert_eq!(name(bad).unwrap_err().code, "file_kind_refused", "{bad}");
        }
        for (typed, kept) in [
            ("报价.pdf", "报价.pdf"),
            ("exe", "exe"),
            ("../../etc/passwd", "passwd"),
            ("a.exe.txt", "a.exe.txt"),
        ] {
            assert_eq!(name(typed).unwrap(), kept);
        }
        assert!(name("").is_err() && name("a/").is_err());
        assert!(name(&"字".repeat(FILE_NAME_CHARS)).is_ok());
        assert!(name(&"字".repeat(FILE_NAME_CHARS + 1)).is_err());
    }

    #[test]
    fn im_i08_a_file_has_a_byte_and_100_mb_at_most() {
        assert_eq!(size(0).unwrap_err().code, "file_empty");
        assert!(size(1).is_ok() && size(104_857_600).is_ok());
        assert_eq!(size(104_857_601).unwrap_err().code, "file_too_large");
    }

    #[test]
    fn what_a_file_is_stands_in_its_first_bytes() {
        let of = |size, head: &[u8]| info(Id([1; 16]), "x.png", size, head);
        let picture = of(1_000, PNG).unwrap();
        assert_eq!(
            (picture.kind, picture.width, picture.height),
            (FileKind::Image, Some(512), Some(256))
        );
        let sides = |way| {
            let photo = of(1_000, &photo(way, false, 4_000, 3_000)).unwrap();
            assert_eq!(
                (photo.kind, photo.mime.as_str()),
                (FileKind::Image, "image/jpeg")
            );
            (photo.width, photo.height)
        };
        assert_eq!(sides(1), (Some(4_000), Some(3_000)));
        assert_eq!(sides(6), (Some(3_000), Some(4_000)), "held upright");
        let large = of(PICTURE_BYTES + 1, PNG).unwrap();
        assert_eq!((large.kind, large.width), (FileKind::File, None));
        let mut bomb = PNG.to_vec();
        bomb[16..24].fill(0x7F);
        assert_eq!(of(1_000, &bomb).unwrap().kind, FileKind::File);
        let text = of(5, b"hello").unwrap();
        assert_eq!(
            (text.kind, text.mime.as_str()),
            (FileKind::File, "application/octet-stream")
        );
        assert_eq!(of(2, b"MZ").unwrap_err().code, "file_kind_refused");
        assert!(shown("image/png") && !shown("text/html") && !shown("image/svg+xml"));
    }

    #[test]
    fn a_link_holds_for_whom_and_as_long_as_it_says() {
        let key = [7; 32];
        let pass = Pass {
            file_id: Id([1; 16]),
            conversation_id: Id([2; 16]),
            user_id: Id([3; 16]),
            expires_at: link_ends(HOUR_MS - 1),
        };
        assert_eq!(pass.expires_at, 2 * HOUR_MS);
        assert_eq!(link_ends(HOUR_MS), 3 * HOUR_MS);
        let url = pass.url(&key);
        let (_, signature) = url.rsplit_once("&s=").unwrap();
        assert!(pass.holds(&key, signature, 2 * HOUR_MS - 1));
        assert!(!pass.holds(&key, signature, 2 * HOUR_MS));
        assert!(!pass.holds(&[8; 32], signature, 0));
        assert!(!pass.holds(&key, "", 0) && !pass.holds(&key, &signature[1..], 0));
        let changed = [
            Pass {
                file_id: Id([9; 16]),
                ..pass
            },
            Pass {
                conversation_id: Id([9; 16]),
                ..pass
            },
            Pass {
                user_id: Id([9; 16]),
                ..pass
            },
            Pass {
                expires_at: 3 * HOUR_MS,
                ..pass
            },
        ];
        assert!(changed.iter().all(|other| !other.holds(&key, signature, 0)));
    }
}
