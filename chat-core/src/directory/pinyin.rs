//! How a Chinese name sounds, with every reading: 重庆 is found by `chongqing` and `zhongqing`, and a
//! surname that is read in its own way (单 shan, 曾 zeng, 仇 qiu …) leads the list and gives the
//! initial letter (`DIR-i05`).

use std::collections::BTreeSet;

use pinyin::{ToPinyin, ToPinyinMulti};
use unicode_normalization::UnicodeNormalization;

/// Readings of one name at most; a name of many ambiguous characters is cut here.
const MOST_READINGS: usize = 16;

/// Surnames whose reading is not the character's usual one.
const SURNAMES: [(&str, &[&str]); 24] = [
    ("单", &["shan"]),
    ("曾", &["zeng"]),
    ("仇", &["qiu"]),
    ("解", &["xie"]),
    ("任", &["ren"]),
    ("查", &["zha"]),
    ("朴", &["piao"]),
    ("区", &["ou"]),
    ("华", &["hua"]),
    ("盖", &["ge"]),
    ("尉迟", &["yu", "chi"]),
    ("乐", &["yue"]),
    ("缪", &["miao"]),
    ("秘", &["bi"]),
    ("种", &["chong"]),
    ("覃", &["qin"]),
    ("翟", &["zhai"]),
    ("折", &["she"]),
    ("冼", &["xian"]),
    ("繁", &["po"]),
    ("员", &["yun"]),
    ("长孙", &["zhang", "sun"]),
    ("万俟", &["mo", "qi"]),
    ("澹台", &["tan", "tai"]),
];

/// A name as search sees it: NFKC, lower case, without spaces.
pub fn folded(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|char| !char.is_whitespace())
        .collect()
}

/// Every reading of `name` as a list of syllables, the right one for a surname first. A character
/// that is not Chinese is a syllable of its own.
pub fn readings(name: &str) -> Vec<Vec<String>> {
    let name = folded(name);
    let mut all: Vec<Vec<String>> = vec![vec![]];
    let mut rest = name.as_str();
    if let Some((surname, sounds)) = SURNAMES
        .iter()
        .find(|(surname, _)| name.starts_with(surname))
    {
        // The usual reading is kept as well: people type what they believe.
        let usual = surname.chars().map(usual_sound);
        all = vec![
            sounds.iter().map(|sound| (*sound).to_owned()).collect(),
            usual.collect(),
        ];
        rest = &name[surname.len()..];
    }
    for char in rest.chars() {
        let sounds = sounds_of(char);
        all = all
            .into_iter()
            .flat_map(|start| {
                sounds.iter().map(move |sound| {
                    let mut longer = start.clone();
                    longer.push(sound.clone());
                    longer
                })
            })
            .collect();
        all.truncate(MOST_READINGS);
    }
    let mut seen = BTreeSet::new();
    all.retain(|reading| seen.insert(reading.clone()));
    all
}

/// The letter under which a name stands in the directory: A to Z, else `#` (`DIR-03`).
pub fn initial(name: &str) -> String {
    let first = readings(name)
        .first()
        .and_then(|reading| reading.first()?.chars().next());
    match first {
        Some(char) if char.is_ascii_alphabetic() => char.to_ascii_uppercase().to_string(),
        _ => "#".to_owned(),
    }
}

/// Where a name stands in the directory: by its sound, `#` after Z.
pub fn order(name: &str) -> String {
    let sound = readings(name)
        .first()
        .map(|reading| reading.join(" "))
        .unwrap_or_default();
    if initial(name) == "#" {
        format!("~{sound}")
    } else {
        sound
    }
}

/// What a search for this person may begin with: every end of the name, of each reading and of its
/// initials, and the login. A search is then one scan by prefix.
pub fn terms(name: &str, login: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::from([folded(login)]);
    let chars: Vec<char> = folded(name).chars().collect();
    for start in 0..chars.len() {
        terms.insert(chars[start..].iter().collect());
    }
    for reading in readings(name) {
        for start in 0..reading.len() {
            let end = &reading[start..];
            terms.insert(end.concat());
            terms.insert(
                end.iter()
                    .filter_map(|sound| sound.chars().next())
                    .collect(),
            );
        }
    }
    terms
}

fn usual_sound(char: char) -> String {
    char.to_pinyin()
        .map_or_else(|| char.to_string(), |sound| plain(sound.plain()))
}

fn sounds_of(char: char) -> Vec<String> {
    let mut sounds = vec![usual_sound(char)];
    if let Some(all) = char.to_pinyin_multi() {
        for sound in all {
            let sound = plain(sound.plain());
            if !sounds.contains(&sound) {
                sounds.push(sound);
            }
        }
    }
    sounds
}

/// ü is typed v.
fn plain(sound: &str) -> String {
    sound.replace('ü', "v")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dir_i05_surnames_are_read_as_surnames() {
        for (name, letter) in [
            ("单雄信", "S"),
            ("曾国藩", "Z"),
            ("仇英", "Q"),
            ("重庆", "Z"),
            ("尉迟恭", "Y"),
            ("张三", "Z"),
            ("Alice", "A"),
            ("9号", "#"),
        ] {
            assert_eq!(initial(name), letter, "{name}");
        }
    }

    #[test]
    fn dir_i05_every_reading_is_found() {
        for (name, typed) in [
            ("重庆", "chongqing"),
            ("重庆", "zhongqing"),
            ("重庆", "cq"),
            ("单雄信", "shanxiongxin"),
            ("单雄信", "dan"),
            ("单雄信", "sxx"),
            ("曾国藩", "zeng"),
            ("曾国藩", "ceng"),
            ("仇英", "qiu"),
            ("张三丰", "三丰"),
            ("张三丰", "sanfeng"),
            ("张三丰", "sf"),
            ("吕布", "lvbu"),
        ] {
            assert!(
                terms(name, "x").iter().any(|term| term.starts_with(typed)),
                "{name} by {typed}"
            );
        }
    }

    #[test]
    fn a_name_of_many_readings_is_bounded() {
        assert!(readings(&"重长行乐".repeat(7)).len() <= MOST_READINGS);
    }

    #[test]
    fn what_is_no_letter_stands_behind_z() {
        assert!(order("9号") > order("赵"));
        assert!(order("安") < order("白"));
    }
}
