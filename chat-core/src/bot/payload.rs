//! What tools post, as texts: the JSON of Slack's incoming webhooks, which Mattermost, Grafana, Alertmanager, Jenkins,
//! GitLab and a line of `curl` speak too. Read with a wide eye, as tools write many versions of it: what is not
//! known is passed over, what is of another type counts as absent.

use serde_json::Value;

use crate::api::{Answer, ApiError, Class};
use crate::limits::{HOOK_CHARS, TEXT_CHARS};
use crate::text::shown;

/// The texts that a tool's JSON makes, in order: one, or as many as a long one needs.
///
/// # Errors
/// `invalid` (`invalid_payload`, `no_text`, `too_long`).
pub fn texts(body: &[u8]) -> Answer<Vec<String>> {
    let payload = match serde_json::from_slice(body) {
        Ok(Value::Object(payload)) => Value::Object(payload),
        _ => return Err(invalid_payload()),
    };
    let text = shown(&text_of(&payload));
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::invalid(
            "text",
            "no_text",
            "没有可显示的内容：需要 text、attachments 或 blocks",
            "There is nothing to show: text, attachments or blocks are needed",
        ));
    }
    if text.chars().count() > HOOK_CHARS {
        return Err(ApiError::invalid(
            "text",
            "too_long",
            format!("最多 {HOOK_CHARS} 个字"),
            format!("At most {HOOK_CHARS} characters"),
        ));
    }
    Ok(pieces(text, TEXT_CHARS))
}

/// What can't be read as a tool's JSON.
pub fn invalid_payload() -> ApiError {
    ApiError::new(
        Class::Invalid,
        "invalid_payload",
        "内容应为 JSON 对象，例如 {\"text\": \"你好\"}",
        "The body is a JSON object such as {\"text\": \"hello\"}",
    )
}

/// Everything that is to be shown, in the order in which Slack shows it.
fn text_of(payload: &Value) -> String {
    let mut lines = Lines::default();
    lines.say(payload, "text");
    if lines.0.is_empty() {
        // Beside a text they say the same once more.
        for block in list(payload, "blocks") {
            say_block(&mut lines, block);
        }
    }
    for attachment in list(payload, "attachments") {
        say_attachment(&mut lines, attachment);
    }
    lines.0.join("\n").trim().to_owned()
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn push(&mut self, text: &str) {
        let text = plain(text);
        if !text.trim().is_empty() {
            self.0.push(text.trim_end().to_owned());
        }
    }

    fn say(&mut self, of: &Value, name: &str) {
        self.push(word(of, name));
    }
}

fn say_block(lines: &mut Lines, block: &Value) {
    lines.say(&block["text"], "text");
    for part in list(block, "fields").iter().chain(list(block, "elements")) {
        lines.say(part, "text");
        lines.say(&part["text"], "text");
    }
}

fn say_attachment(lines: &mut Lines, attachment: &Value) {
    let before = lines.0.len();
    lines.say(attachment, "pretext");
    let (title, link) = (word(attachment, "title"), word(attachment, "title_link"));
    match (title.is_empty(), link.is_empty()) {
        (false, false) => lines.push(&format!("{title} {link}")),
        _ => lines.push(&format!("{title}{link}")),
    }
    lines.say(attachment, "text");
    for field in list(attachment, "fields") {
        let (title, value) = (word(field, "title"), said(&field["value"]));
        match (title.is_empty(), value.is_empty()) {
            (false, false) => lines.push(&format!("{title}：{value}")),
            _ => lines.push(&format!("{title}{value}")),
        }
    }
    for block in list(attachment, "blocks") {
        say_block(lines, block);
    }
    lines.say(attachment, "image_url");
    if lines.0.len() == before {
        lines.say(attachment, "fallback");
    }
}

fn word<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default().trim()
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        _ => String::new(),
    }
}

/// Slack's marks as people read them: `<url|words>`, `<!here>`, `&amp;`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let mark = from[1..].find(['>', '<', '\n']).map(|end| end + 1);
        match mark.filter(|end| from[*end..].starts_with('>')) {
            Some(end) => {
                out.push_str(&mark_of(&from[1..end]).unwrap_or_else(|| from[..=end].to_owned()));
                rest = &from[end + 1..];
            }
            None => {
                out.push('<');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    // In this order: `&amp;lt;` stands for `&lt;`.
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// What stands between `<` and `>`, where it is a mark.
fn mark_of(mark: &str) -> Option<String> {
    let (what, words) = mark.split_once('|').unwrap_or((mark, ""));
    let named = |sign: &str, id: &str| {
        let name = if words.is_empty() { id } else { words };
        Some(format!("{sign}{}", name.trim_start_matches(['@', '#'])))
    };
    match what.split_at_checked(1)? {
        ("!", "here" | "channel" | "everyone" | "all") => Some("@所有人".into()),
        ("@", id) => named("@", id),
        ("#", id) => named("#", id),
        _ if ["http://", "https://", "mailto:"]
            .iter()
            .any(|scheme| what.starts_with(scheme)) =>
        {
            Some(match words {
                "" => what.to_owned(),
                words if words == what => what.to_owned(),
                words => format!("{words} {what}"),
            })
        }
        _ => None,
    }
}

/// `text` in pieces of up to `most` characters, cut behind a line where there is one in the second half.
fn pieces(text: &str, most: usize) -> Vec<String> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((end, _)) = rest.char_indices().nth(most) {
        let half = rest
            .char_indices()
            .nth(most / 2)
            .map_or(0, |(half, _)| half);
        let line = rest[..end].rfind('\n').filter(|line| *line >= half);
        let (piece, more) = rest.split_at(line.unwrap_or(end));
        pieces.push(piece.trim_end().to_owned());
        rest = more.trim_start_matches('\n');
    }
    pieces.push(rest.to_owned());
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn told(payload: &Value) -> String {
        texts(payload.to_string().as_bytes())
            .map_or_else(|error| error.code.clone(), |texts| texts.join("|"))
    }

    #[test]
    fn plat_i10_a_line_of_curl_is_a_text() {
        assert_eq!(told(&json!({"text": "构建完成"})), "构建完成");
        assert_eq!(told(&json!({"text": " a\nb \n"})), "a\nb");
    }

    #[test]
    fn plat_i10_what_says_nothing_is_refused() {
        for (payload, code) in [
            (json!({}), "no_text"),
            (json!({"text": " \n "}), "no_text"),
            (json!({"text": 5}), "no_text"),
            (
                json!({"text": null, "attachments": [null, 5, {}]}),
                "no_text",
            ),
            (json!([]), "invalid_payload"),
            (json!("text"), "invalid_payload"),
            (json!({"text": "字".repeat(HOOK_CHARS + 1)}), "too_long"),
        ] {
            assert_eq!(told(&payload), code, "{payload}");
        }
        assert_eq!(texts(b"{").unwrap_err().code, "invalid_payload");
        assert_eq!(texts(b"").unwrap_err().code, "invalid_payload");
    }

    #[test]
    fn plat_i10_an_alert_of_grafana_is_told_whole() {
        let alert = json!({
            "channel": "#ops", "username": "Grafana", "icon_emoji": "", "icon_url": "https://g/i.png",
            "attachments": [{
                "title": "[FIRING:1] CPU", "title_link": "https://g/alerting/list", "fallback": "CPU",
                "text": "**Firing**\n\nValue: A=92", "color": "#D63232", "ts": 1_763_800_000,
                "fields": [{"title": "环境", "value": "生产", "short": true}, {"title": "次数", "value": 3}],
                "footer": "Grafana v12",
            }],
        });
        let whole = "[FIRING:1] CPU https://g/alerting/list\n**Firing**\n\nValue: A=92\n环境：生产\n次数：3";
        assert_eq!(told(&alert), whole);
        let only_fallback = json!({"attachments": [{"fallback": "备用"}]});
        assert_eq!(told(&only_fallback), "备用");
    }

    #[test]
    fn plat_i10_blocks_are_told_where_there_is_no_text() {
        let blocks = json!([
            {"type": "header", "text": {"type": "plain_text", "text": "发布"}},
            {"type": "divider"},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*1.2* 已上线"}, "fields": [{"text": "华东"}]},
            {"type": "actions", "elements": [{"type": "button", "text": {"text": "打开"}, "url": "https://x"}]},
        ]);
        assert_eq!(
            told(&json!({"blocks": blocks})),
            "发布\n*1.2* 已上线\n华东\n打开"
        );
        assert_eq!(told(&json!({"text": "短", "blocks": blocks})), "短");
    }

    #[test]
    fn plat_i10_slacks_marks_are_words() {
        for (text, read) in [
            (
                "失败 <https://ci/1|#1> <!here>",
                "失败 #1 https://ci/1 @所有人",
            ),
            ("<https://ci/1>", "https://ci/1"),
            ("<https://ci/1|https://ci/1>", "https://ci/1"),
            ("<@U1|li> <@U2> <#C1|ops>", "@li @U2 #ops"),
            ("a &lt;b&gt; &amp;lt;", "a <b> &lt;"),
            ("1 < 2 > 1, <b>x</b>, <", "1 < 2 > 1, <b>x</b>, <"),
            ("<\n>", "<\n>"),
            ("<>", "<>"),
            ("<!date^1|x>", "<!date^1|x>"),
        ] {
            assert_eq!(plain(text), read, "{text}");
        }
    }

    #[test]
    fn plat_i10_a_long_text_is_cut_behind_a_line() {
        let line = "字".repeat(70);
        let text = format!("{line}\n{line}\n{line}");
        assert_eq!(pieces(&text, 100), [&line[..], &line[..], &line[..]]);
        assert_eq!(pieces(&text, 150), [format!("{line}\n{line}"), line]);
        assert_eq!(pieces("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(pieces("abcd", 4), ["abcd"]);
    }

    proptest! {
        #[test]
        fn no_word_of_a_long_text_is_lost(text in "[a-c字 \n]{0,80}", most in 1_usize..20) {
            let pieces = pieces(text.trim(), most);
            let solid = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            prop_assert_eq!(solid(&pieces.concat()), solid(&text));
            prop_assert!(pieces.iter().all(|piece| piece.chars().count() <= most));
        }

        #[test]
        fn any_text_is_read(text: String) {
            plain(&text);
        }
    }
}
