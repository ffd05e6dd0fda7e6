//! Who talks to whom about what, and when: decided by a seed alone, before anything is written.

use chat_core::random::Random;

use super::words::{ANSWERS, FAMILY, GIVEN, GROUPS, OPENINGS, TITLES};

/// People of the company.
pub(super) const PEOPLE: usize = 60;
/// Pairs that talk to each other.
const PAIRS: usize = 40;
/// Exchanges of a day, in all conversations together.
const EXCHANGES_A_DAY: usize = 45;
/// Each time the same company.
const SEED: u64 = 2_026;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// A working day in China begins at 09:00, which is 01:00 UTC, and lasts nine hours and a half.
const BEGINS_MS: i64 = 60 * MINUTE_MS;
const WORK_MINUTES: usize = 570;

/// Somebody of the company.
pub(super) struct Somebody {
    pub(super) name: String,
    pub(super) title: &'static str,
}

/// A conversation. One without a name is direct.
pub(super) struct Chat {
    pub(super) name: Option<&'static str>,
    pub(super) members: Vec<usize>,
}

/// One message.
pub(super) struct Say {
    pub(super) at_ms: i64,
    pub(super) chat: usize,
    pub(super) author: usize,
    pub(super) text: &'static str,
}

/// Everything that is told.
pub(super) struct Talk {
    pub(super) people: Vec<Somebody>,
    pub(super) chats: Vec<Chat>,
    /// In order of time.
    pub(super) says: Vec<Say>,
    /// Who has read what in the end.
    pub(super) reads: Vec<(usize, usize)>,
    pub(super) until_ms: i64,
}

struct Seeded(Random);

impl Seeded {
    fn below(&self, end: usize) -> usize {
        let drawn = u32::from_be_bytes(self.0.bytes()) as usize;
        drawn % end
    }

    fn of<T: Copy>(&self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

impl Talk {
    /// The same people, conversations and sentences each time, between these two moments.
    pub(super) fn of_the_week(from_ms: i64, until_ms: i64) -> Self {
        let dice = Seeded(Random::seeded(SEED));
        let people = people();
        let chats = chats(&dice);
        let mut says: Vec<Say> = Vec::new();
        for day in 0..=7 {
            let begins = (from_ms.div_euclid(DAY_MS) + day) * DAY_MS + BEGINS_MS;
            for _ in 0..EXCHANGES_A_DAY {
                exchange(&dice, &chats, begins, &mut says);
            }
        }
        says.retain(|say| (from_ms..=until_ms).contains(&say.at_ms));
        says.sort_by_key(|say| say.at_ms);
        let mut reads = Vec::new();
        for (n, chat) in chats.iter().enumerate() {
            // A conversation in which nothing was said stands in nobody's list.
            let told = says.iter().any(|say| say.chat == n);
            let readers = chat.members.iter().filter(|_| told && dice.below(4) > 0);
            reads.extend(readers.map(|person| (*person, n)));
        }
        Self {
            people,
            chats,
            says,
            reads,
            until_ms,
        }
    }
}

fn people() -> Vec<Somebody> {
    let names = FAMILY.iter().zip(GIVEN).take(PEOPLE);
    let person = |(n, (family, given)): (usize, (&&str, &str))| Somebody {
        name: format!("{family}{given}"),
        title: TITLES[n % TITLES.len()],
    };
    names.enumerate().map(person).collect()
}

/// Everybody together, the teams, and pairs.
fn chats(dice: &Seeded) -> Vec<Chat> {
    let mut chats = Vec::new();
    for (n, name) in GROUPS.iter().enumerate() {
        let members = if n == 0 {
            (0..PEOPLE).collect()
        } else {
            // The administrator is in each, so that there is something to see.
            let size = 5 + dice.below(8);
            let mut members = vec![0];
            while members.len() < size {
                let one = dice.below(PEOPLE);
                if !members.contains(&one) {
                    members.push(one);
                }
            }
            members
        };
        let name = Some(*name);
        chats.push(Chat { name, members });
    }
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    while pairs.len() < PAIRS {
        // A third of them with the administrator.
        let one = if pairs.len().is_multiple_of(3) {
            0
        } else {
            dice.below(PEOPLE)
        };
        let other = dice.below(PEOPLE);
        let pair = (one.min(other), one.max(other));
        if one != other && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    let direct = |(one, other)| Chat {
        name: None,
        members: vec![one, other],
    };
    chats.extend(pairs.into_iter().map(direct));
    chats
}

/// Somebody begins, and others answer in the next minutes.
fn exchange(dice: &Seeded, chats: &[Chat], begins_ms: i64, says: &mut Vec<Say>) {
    let chat = dice.below(chats.len());
    let members = &chats[chat].members;
    let minute = |most| i64::try_from(dice.below(most)).unwrap_or(0) * MINUTE_MS;
    let mut at_ms = begins_ms + minute(WORK_MINUTES);
    let (opening, answers) = dice.of(&OPENINGS);
    let mut author = dice.of(members);
    says.push(Say {
        at_ms,
        chat,
        author,
        text: opening,
    });
    let thanks = dice.of(&ANSWERS);
    for text in answers.iter().copied().chain([thanks]) {
        at_ms += MINUTE_MS + minute(6);
        let before = author;
        while author == before {
            author = dice.of(members);
        }
        says.push(Say {
            at_ms,
            chat,
            author,
            text,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_same_company_comes_each_time_and_all_names_and_logins_differ() {
        let (from, until) = (1_767_225_600_000, 1_767_225_600_000 + 7 * DAY_MS);
        let talk = Talk::of_the_week(from, until);
        let again = Talk::of_the_week(from, until);
        let texts = |talk: &Talk| -> Vec<(i64, usize, &str)> {
            talk.says
                .iter()
                .map(|say| (say.at_ms, say.author, say.text))
                .collect()
        };
        assert_eq!(texts(&talk), texts(&again));
        let logins: BTreeSet<String> = talk
            .people
            .iter()
            .map(|person| super::super::login(&person.name))
            .collect();
        assert_eq!((talk.people.len(), logins.len()), (PEOPLE, PEOPLE));
        assert!(
            talk.says
                .iter()
                .all(|say| (from..=until).contains(&say.at_ms))
        );
        assert!(talk.says.len() > 500, "{}", talk.says.len());
        assert!(talk.says.is_sorted_by_key(|say| say.at_ms));
    }
}
