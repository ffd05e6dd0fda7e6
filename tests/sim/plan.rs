//! A plan is data: who there is and what is done, step by step. Steps name people, devices and discussions
//! by number, so that a plan from which steps were taken is still a plan.

use serde::{Deserialize, Serialize};
use world::Dice;

/// People of a plan.
pub(crate) const PEOPLE: usize = 4;
/// Devices of each.
pub(crate) const DEVICES_EACH: usize = 2;
/// All devices; device `n` belongs to person `n % PEOPLE`.
pub(crate) const DEVICES: usize = PEOPLE * DEVICES_EACH;
/// Discussions of a plan.
const SLOTS: usize = 3;

const MINUTE_MS: u64 = 60 * 1_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What goes wrong below the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weather {
    /// Nothing.
    Calm,
    /// Delays, unknown outcomes that are settled, rounds that must be shown again.
    Hidden,
    /// Also reads that fail, rounds that are refused, unknown outcomes of rounds that were not written.
    Rough,
}

/// A place to talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Chat {
    /// With this person.
    Direct(usize),
    /// The discussion of this number, once it was created.
    Group(usize),
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Step {
    /// A device writes so many messages.
    Send {
        device: usize,
        chat: Chat,
        many: usize,
        long: bool,
    },
    /// A device has read all but the last so many.
    Read {
        device: usize,
        chat: Chat,
        behind: u64,
    },
    /// Begins a discussion.
    Create {
        device: usize,
        group: usize,
        people: Vec<usize>,
    },
    /// Adds a person.
    Add {
        device: usize,
        group: usize,
        who: usize,
    },
    /// Removes a person.
    Remove {
        device: usize,
        group: usize,
        who: usize,
    },
    /// Makes a person the owner.
    Transfer {
        device: usize,
        group: usize,
        who: usize,
    },
    /// Gives it another name.
    Rename { device: usize, group: usize },
    /// Goes.
    Leave { device: usize, group: usize },
    /// Ends it.
    Dissolve { device: usize, group: usize },
    /// A device comes online, and comes back by itself from now on.
    Come { device: usize },
    /// A device goes offline; silently: the server is not told.
    Go { device: usize, silently: bool },
    /// A device stops or goes on taking what it is sent.
    Reads { device: usize, reads: bool },
    /// A device forgets all it had loaded, as a new installation does.
    Forget { device: usize },
    /// A device ends all sessions of its person but its own.
    EndOthers { device: usize },
    /// Others run so many turns.
    Turns { many: usize },
    /// Time goes by.
    Wait { ms: u64 },
    /// The machine sleeps: time jumps.
    Jump { ms: u64 },
    /// The server is killed; the next one too, at this step of its engine.
    Kill { next_at: Option<u64> },
    /// The server stops in order.
    Stop,
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Decides faults, ids and what clients leave to chance.
    pub(crate) seed: u64,
    /// What goes wrong below the server.
    pub(crate) weather: Weather,
    /// What happens.
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut dice = Dice::seeded(seed);
        let weather = *dice.one(&[
            Weather::Calm,
            Weather::Hidden,
            Weather::Rough,
            Weather::Rough,
        ]);
        let mut steps: Vec<Step> = (0..DEVICES).map(|device| Step::Come { device }).collect();
        steps.push(Step::Create {
            device: 0,
            group: 0,
            people: (0..PEOPLE).collect(),
        });
        let many = 30 + dice.below(90);
        steps.extend((0..many).map(|_| step(&mut dice)));
        if dice.below(5) == 0 {
            let at = dice.below(steps.len());
            steps.splice(at..at, flood(&mut dice));
        }
        Self {
            seed,
            weather,
            steps,
        }
    }
}

/// One device does not read while more is written than its queue holds.
fn flood(dice: &mut Dice) -> [Step; 6] {
    let (slow, fast) = (dice.below(DEVICES), dice.below(DEVICES));
    let chat = *dice.one(&[Chat::Direct(slow % PEOPLE), Chat::Group(0)]);
    [
        Step::Come { device: slow },
        Step::Wait { ms: 5_000 },
        Step::Reads {
            device: slow,
            reads: false,
        },
        Step::Send {
            device: fast,
            chat,
            many: 90,
            long: true,
        },
        Step::Wait {
            ms: wait_ms(dice) + 10_000,
        },
        Step::Reads {
            device: slow,
            reads: true,
        },
    ]
}

fn chat(dice: &mut Dice) -> Chat {
    match dice.below(5) {
        0 | 1 => Chat::Direct(dice.below(PEOPLE)),
        _ => Chat::Group(dice.below(SLOTS)),
    }
}

fn step(dice: &mut Dice) -> Step {
    let (device, group, who) = (dice.below(DEVICES), dice.below(SLOTS), dice.below(PEOPLE));
    match dice.below(200) {
        0..50 => Step::Send {
            device,
            chat: chat(dice),
            many: 1,
            long: false,
        },
        50..60 => Step::Send {
            device,
            chat: chat(dice),
            many: 2 + dice.below(9),
            long: false,
        },
        60 => Step::Send {
            device,
            chat: chat(dice),
            many: 80,
            long: true,
        },
        61..81 => Step::Read {
            device,
            chat: chat(dice),
            behind: dice.below(3) as u64,
        },
        81..87 => {
            let people = (0..1 + dice.below(PEOPLE))
                .map(|_| dice.below(PEOPLE))
                .collect();
            Step::Create {
                device,
                group,
                people,
            }
        }
        87..94 => Step::Add { device, group, who },
        94..101 => Step::Remove { device, group, who },
        101..104 => Step::Transfer { device, group, who },
        104..107 => Step::Rename { device, group },
        107..111 => Step::Leave { device, group },
        111 => Step::Dissolve { device, group },
        112..124 => Step::Come { device },
        124..132 => Step::Go {
            device,
            silently: dice.below(2) == 0,
        },
        132..138 => Step::Reads {
            device,
            reads: dice.below(2) == 0,
        },
        138..141 => Step::Forget { device },
        141 => Step::EndOthers { device },
        142..166 => Step::Turns {
            many: 1 + dice.below(30),
        },
        166..186 => Step::Wait { ms: wait_ms(dice) },
        186..190 => Step::Jump { ms: jump_ms(dice) },
        190..197 => {
            let next_at = (dice.below(2) == 0).then(|| 1 + dice.below(120) as u64);
            Step::Kill { next_at }
        }
        _ => Step::Stop,
    }
}

fn wait_ms(dice: &mut Dice) -> u64 {
    let most = *dice.one(&[5, 50, 500, 2_000, 10_000, 40_000, 100_000]);
    1 + dice.below(most) as u64
}

fn jump_ms(dice: &mut Dice) -> u64 {
    let unit = *dice.one(&[MINUTE_MS, 14 * MINUTE_MS, HOUR_MS, DAY_MS, 31 * DAY_MS]);
    unit + dice.below(100_000) as u64
}
