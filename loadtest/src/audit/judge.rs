//! The rules of the audit: what was acknowledged, what stands in the log and what every socket heard
//! must be the same story. Pure, so that each kind of lie has its test.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Examples that are kept of what was found; the counts have all.
const EXAMPLES: usize = 20;

/// What was found. All zero is the only good result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Findings {
    /// Acknowledged, but not in the log under its number.
    pub(crate) missing: u64,
    /// Twice in the log, or twice on one socket.
    pub(crate) doubled: u64,
    /// Heard or numbered in another order than the log's or the author's.
    pub(crate) reordered: u64,
    /// A number that is left out, in the log or on a socket that was not told so.
    pub(crate) gaps: u64,
    /// Another number of unread messages than the log and the read positions make.
    pub(crate) unread_wrong: u64,
    /// In the log though it was refused or never sent, or heard with another number.
    pub(crate) strange: u64,
    /// Sockets that ended, calls that were refused: the run is not what it says.
    pub(crate) failed: u64,
    /// Some of the above, in words.
    pub(crate) examples: Vec<String>,
}

impl Findings {
    /// Whether nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.sum() == 0
    }

    fn sum(&self) -> u64 {
        let Self {
            missing,
            doubled,
            reordered,
            gaps,
            unread_wrong,
            strange,
            failed,
            examples: _,
        } = self;
        missing + doubled + reordered + gaps + unread_wrong + strange + failed
    }

    /// Keeps an example.
    pub(crate) fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }

    /// Adds what another part of the run found.
    pub(crate) fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.gaps += other.gaps;
        self.unread_wrong += other.unread_wrong;
        self.strange += other.strange;
        self.failed += other.failed;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

/// An entry of the log as the server lists it after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) seq: u64,
    /// Counted entries up to it.
    pub(crate) count: u64,
    /// Which message of the plan it is, if one.
    pub(crate) index: Option<u32>,
}

/// What one socket heard of a conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hearing {
    /// Number and message, in the order in which they came.
    pub(crate) heard: Vec<(u64, Option<u32>)>,
    /// It was told that pushes were left out, so that numbers may be missing.
    pub(crate) resynced: bool,
}

/// All that is known of one conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The last entry before the run.
    pub(crate) base_seq: u64,
    /// The entries after it.
    pub(crate) log: Vec<Entry>,
    /// Acknowledged messages with their numbers, per author in the order in which he sent them.
    pub(crate) acked: BTreeMap<u32, Vec<(u32, u64)>>,
    /// Sent, but never answered: they may stand in the log or not.
    pub(crate) open: BTreeSet<u32>,
    /// Of every socket of every member.
    pub(crate) hearings: Vec<Hearing>,
}

/// Compares it all.
pub(crate) fn judge(facts: &Facts) -> Findings {
    let mut findings = Findings::default();
    log(facts, &mut findings);
    let at: BTreeMap<u64, Option<u32>> = facts
        .log
        .iter()
        .map(|entry| (entry.seq, entry.index))
        .collect();
    acknowledged(facts, &at, &mut findings);
    let last = facts.log.last().map_or(facts.base_seq, |entry| entry.seq);
    for hearing in &facts.hearings {
        heard(hearing, facts.base_seq, last, &at, &mut findings);
    }
    findings
}

fn log(facts: &Facts, findings: &mut Findings) {
    let mut expected = facts.base_seq + 1;
    let mut seen = BTreeSet::new();
    let acked: BTreeSet<u32> = facts
        .acked
        .values()
        .flatten()
        .map(|(index, _)| *index)
        .collect();
    for entry in &facts.log {
        if entry.seq > expected {
            findings.gaps += entry.seq - expected;
            findings.example(|| format!("the log has {} after {}", entry.seq, expected - 1));
        } else if entry.seq < expected {
            findings.reordered += 1;
            findings.example(|| format!("the log has {} where {expected} is due", entry.seq));
        }
        expected = expected.max(entry.seq + 1);
        let Some(index) = entry.index else { continue };
        if !seen.insert(index) {
            findings.doubled += 1;
            findings.example(|| format!("message {index} is in the log again at {}", entry.seq));
        }
        if !acked.contains(&index) && !facts.open.contains(&index) {
            findings.strange += 1;
            findings.example(|| format!("message {index} is in the log though it was not sent"));
        }
    }
}

fn acknowledged(facts: &Facts, at: &BTreeMap<u64, Option<u32>>, findings: &mut Findings) {
    for acked in facts.acked.values() {
        let mut before = 0;
        for (index, seq) in acked {
            if at.get(seq) != Some(&Some(*index)) {
                findings.missing += 1;
                findings.example(|| format!("message {index} was acknowledged as {seq}"));
            }
            if *seq <= before {
                findings.reordered += 1;
                findings.example(|| format!("message {index} got {seq} after {before}"));
            }
            before = before.max(*seq);
        }
    }
}

fn heard(
    hearing: &Hearing,
    base: u64,
    last: u64,
    at: &BTreeMap<u64, Option<u32>>,
    findings: &mut Findings,
) {
    let mut before = base;
    let mut seen = BTreeSet::new();
    for (seq, index) in &hearing.heard {
        if !seen.insert(*seq) {
            findings.doubled += 1;
            findings.example(|| format!("a socket heard {seq} again"));
        } else if *seq <= before {
            findings.reordered += 1;
            findings.example(|| format!("a socket heard {seq} after {before}"));
        }
        before = before.max(*seq);
        if at.get(seq) != Some(index) {
            findings.strange += 1;
            findings.example(|| format!("a socket heard {index:?} as {seq}, the log has another"));
        }
    }
    let missing = (base + 1..=last).filter(|seq| !seen.contains(seq)).count() as u64;
    if missing > 0 && !hearing.resynced {
        findings.gaps += missing;
        findings.example(|| format!("a socket did not hear {missing} of {}", last - base));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two authors, four messages, one socket that heard all.
    fn good() -> Facts {
        let log = (0..4_u32).map(|index| Entry {
            seq: u64::from(index) + 11,
            count: u64::from(index) + 11,
            index: Some(index),
        });
        Facts {
            base_seq: 10,
            log: log.collect(),
            acked: BTreeMap::from([(1, vec![(0, 11), (2, 13)]), (2, vec![(1, 12), (3, 14)])]),
            open: BTreeSet::new(),
            hearings: vec![Hearing {
                heard: (0..4_u32).map(|i| (u64::from(i) + 11, Some(i))).collect(),
                resynced: false,
            }],
        }
    }

    #[test]
    fn a_good_run_is_clean() {
        assert!(judge(&good()).is_clean());
    }

    #[test]
    fn an_acknowledged_message_that_is_gone_is_missing() {
        let mut facts = good();
        facts.log.pop();
        let found = judge(&facts);
        assert_eq!(found.missing, 1);
        assert_eq!(found.strange, 1, "a socket heard it all the same");
    }

    #[test]
    fn a_message_that_stands_twice_is_doubled() {
        let mut facts = good();
        facts.log.push(Entry {
            seq: 15,
            count: 15,
            index: Some(3),
        });
        facts.hearings[0].heard.push((15, Some(3)));
        let found = judge(&facts);
        assert_eq!((found.doubled, found.missing, found.gaps), (1, 0, 0));
    }

    #[test]
    fn a_push_that_comes_again_is_doubled_and_an_early_one_reordered() {
        let mut facts = good();
        facts.hearings[0].heard.push((14, Some(3)));
        assert_eq!(judge(&facts).doubled, 1);
        let mut facts = good();
        facts.hearings[0].heard.swap(1, 2);
        let found = judge(&facts);
        assert_eq!((found.reordered, found.gaps), (1, 0));
    }

    #[test]
    fn an_author_whose_messages_changed_places_is_reordered() {
        let mut facts = good();
        facts.acked.insert(1, vec![(2, 13), (0, 11)]);
        assert_eq!(judge(&facts).reordered, 1);
    }

    #[test]
    fn a_gap_counts_unless_the_socket_was_told() {
        let mut facts = good();
        facts.hearings[0].heard.remove(1);
        assert_eq!(judge(&facts).gaps, 1);
        facts.hearings[0].resynced = true;
        assert!(judge(&facts).is_clean());
        facts.log.remove(1);
        let found = judge(&facts);
        assert_eq!((found.gaps, found.missing), (1, 1));
    }

    #[test]
    fn a_message_of_unknown_outcome_may_stand_or_not_but_a_refused_one_must_not() {
        let mut facts = good();
        facts.acked.insert(2, vec![(1, 12)]);
        assert_eq!(judge(&facts).strange, 1);
        facts.open.insert(3);
        assert!(judge(&facts).is_clean());
    }

    #[test]
    fn findings_add_up() {
        let mut all = Findings::default();
        all.add(Findings {
            gaps: 2,
            failed: 1,
            ..Findings::default()
        });
        assert!(!all.is_clean());
        assert_eq!(all.sum(), 3);
    }
}
