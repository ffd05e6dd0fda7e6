//! How subjects are spelled. No other file spells one.
//!
//! There is one subject for each start of a node and one for all, not one for each person or conversation: a
//! million subscriptions cost a server more than a gigabyte, and many seconds whenever it begins anew.

use super::{BusError, NAME_LETTERS_MAX, Start, is_name};

/// The subjects of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Subjects {
    prefix: String,
}

/// Who sent a frame and the how many-th of its frames it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    /// The subject of the start that sent it.
    pub(super) sender: &'a str,
    /// Grows with each frame that the start sends, to whomever.
    pub(super) number: u64,
}

impl Subjects {
    pub(super) fn new(prefix: &str) -> Result<Self, BusError> {
        if is_name(prefix) {
            let prefix = prefix.to_owned();
            return Ok(Self { prefix });
        }
        Err(BusError::Unfit(format!(
            "\"{}\" is no name of a cluster: lower-case letters, digits and -, at most {NAME_LETTERS_MAX}",
            prefix.escape_default()
        )))
    }

    /// Where the frames for one start go.
    pub(super) fn of(&self, start: &Start) -> String {
        format!("{}.n.{}.{:016x}", self.prefix, start.node, start.boot)
    }

    /// Where an event is told to programs outside.
    pub(super) fn event(&self, kind: &str) -> String {
        format!("{}.events.{kind}", self.prefix)
    }

    /// All of those.
    pub(super) fn events(&self) -> String {
        format!("{}.events.>", self.prefix)
    }

    /// Where the frames for all go.
    pub(super) fn all(&self) -> String {
        format!("{}.all", self.prefix)
    }
}

/// What a frame says about where it is from, as the subject of an answer: that is no part of the payload, whose
/// size is limited. Nobody listens there.
pub(super) fn origin(sender: &str, number: u64) -> String {
    format!("{sender}.{number:016x}")
}

/// Reads what [`origin`] wrote.
pub(super) fn read_origin(text: &str) -> Option<Origin<'_>> {
    let (sender, number) = text.rsplit_once('.')?;
    let number = u64::from_str_radix(number, 16).ok()?;
    (!sender.is_empty()).then_some(Origin { sender, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(boot: u64) -> Start {
        Start::new("node-1", boot).unwrap()
    }

    #[test]
    fn each_start_has_a_subject_of_its_own() {
        let subjects = Subjects::new("chaoke").unwrap();
        assert_eq!(subjects.of(&start(1)), "chaoke.n.node-1.0000000000000001");
        assert_eq!(
            subjects.of(&start(u64::MAX)),
            "chaoke.n.node-1.ffffffffffffffff"
        );
        assert_eq!(subjects.all(), "chaoke.all");
        assert_eq!(subjects.event("a.b"), "chaoke.events.a.b");
        assert_eq!(subjects.events(), "chaoke.events.>");
        let all = Start::new("all", 0).unwrap();
        assert_eq!(subjects.of(&all), "chaoke.n.all.0000000000000000");
    }

    #[test]
    fn a_cluster_is_named_like_a_node() {
        for wrong in ["", "Chaoke", "a.b", "*", ">", "a b", &"c".repeat(33)] {
            let why = Subjects::new(wrong).unwrap_err().to_string();
            assert!(why.contains("is no name of a cluster"), "{why}");
        }
    }

    #[test]
    fn a_frame_tells_where_it_is_from() {
        let sender = Subjects::new("chaoke").unwrap().of(&start(16));
        for number in [0, 1, u64::MAX] {
            let told = origin(&sender, number);
            let read = read_origin(&told).unwrap();
            assert_eq!((read.sender, read.number), (sender.as_str(), number));
        }
        for wrong in ["", ".", "x", "x.", "x.y", ".1", "x.00000000000000001f"] {
            let read = read_origin(wrong);
            assert!(read.is_none_or(|read| read.number == 0x1f), "{wrong}");
        }
    }
}
