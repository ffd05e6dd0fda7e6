//! Texts that people type: NFC, trimmed, counted in Unicode scalar values (one 汉字 = 1).

use unicode_normalization::UnicodeNormalization;

use crate::api::{Answer, ApiError};

/// One line of text: NFC, trimmed, 1 to `most` characters, no control characters.
///
/// # Errors
/// `invalid` at `field`.
pub fn line(field: &str, text: &str, most: usize) -> Answer<String> {
    let text: String = text.nfc().collect::<String>().trim().to_owned();
    if text.is_empty() {
        return Err(required(field));
    }
    if text.chars().count() > most {
        return Err(too_long(field, most));
    }
    if text.chars().any(is_unprintable) {
        return Err(unprintable(field));
    }
    Ok(text)
}

/// Several lines of text: as [`line`], but line breaks and tabs stay.
///
/// # Errors
/// `invalid` at `field`.
pub fn lines(field: &str, text: &str, most: usize) -> Answer<String> {
    let text: String = text
        .nfc()
        .collect::<String>()
        .replace("\r\n", "\n")
        .trim()
        .to_owned();
    if text.is_empty() {
        return Err(required(field));
    }
    if text.chars().count() > most {
        return Err(too_long(field, most));
    }
    if text
        .chars()
        .any(|char| is_unprintable(char) && char != '\n' && char != '\t')
    {
        return Err(unprintable(field));
    }
    Ok(text)
}

/// Text of a program, which nobody can ask to mend it: NFC, and what can't be shown (the colours of a terminal, a
/// turned direction) left out instead of refused.
pub fn shown(text: &str) -> String {
    let text = text.nfc().collect::<String>().replace("\r\n", "\n");
    text.chars()
        .filter(|char| !is_unprintable(*char) || matches!(char, '\n' | '\t'))
        .collect()
}

/// The first `most` characters of `text`, on one line.
pub fn preview(text: &str, most: usize) -> String {
    text.chars()
        .take(most)
        .map(|char| if char.is_whitespace() { ' ' } else { char })
        .collect()
}

/// Control characters, and those that turn the direction of the text after them: with them a name
/// can look like another one.
fn is_unprintable(char: char) -> bool {
    char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn required(field: &str) -> ApiError {
    ApiError::invalid(field, "required", "此项必填", "This is required")
}

fn too_long(field: &str, most: usize) -> ApiError {
    ApiError::invalid(
        field,
        "too_long",
        format!("最多 {most} 个字"),
        format!("At most {most} characters"),
    )
}

fn unprintable(field: &str) -> ApiError {
    ApiError::invalid(
        field,
        "unprintable",
        "含有不能显示的字符",
        "It holds characters that can't be shown",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_characters_after_trimming() {
        assert_eq!(line("name", "  张三  ", 2).unwrap(), "张三");
        assert_eq!(line("name", "张三丰", 2).unwrap_err().code, "too_long");
        assert_eq!(line("name", " \u{3000} ", 2).unwrap_err().code, "required");
        assert_eq!(line("name", "e\u{301}", 1).unwrap(), "é");
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        assert_eq!(line("name", "a\nb", 9).unwrap_err().code, "unprintable");
        assert_eq!(
            line("name", "a\u{202e}b", 9).unwrap_err().code,
            "unprintable"
        );
        assert_eq!(lines("text", "a\r\n\tb", 9).unwrap(), "a\n\tb");
        assert_eq!(lines("text", "a\u{0}b", 9).unwrap_err().code, "unprintable");
    }

    #[test]
    fn what_a_program_says_is_shown_without_what_can_t_be() {
        assert_eq!(
            shown("a\r\n\t\u{1b}[31mb\u{202e}c\0e\u{301}"),
            "a\n\t[31mbcé"
        );
    }

    #[test]
    fn a_preview_is_one_line() {
        assert_eq!(preview("第一行\n第二行", 5), "第一行 第");
    }
}
