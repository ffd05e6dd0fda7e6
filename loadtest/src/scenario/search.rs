//! `search`: how long a colleague is looked for in a large company, by name, sound, initials and login. Each
//! answer is checked: whoever was meant must be among the hits, unless there are more hits than an answer has.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{Common, counted};
use crate::client::http::{Api, Call};
use crate::pace::Seeded;
use crate::report::{Gathered, Run};
use crate::trouble::{Outcome, Trouble};
use crate::world::{World, address_of};

/// People who look for others at the same time.
pub(crate) const SEARCHERS: usize = 20;
/// Searches of one of them; 10 a second, half of what a person may.
const SEARCHES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);
/// Hits of one answer at most (wire contract).
const HITS: usize = 50;
/// Lines of one pasted list. The server takes 500, and 10 s for a call.
const LINES: usize = 250;

/// Surnames with their sound.
const SURNAMES: [(&str, &str); 12] = [
    ("王", "wang"),
    ("李", "li"),
    ("张", "zhang"),
    ("刘", "liu"),
    ("陈", "chen"),
    ("杨", "yang"),
    ("赵", "zhao"),
    ("黄", "huang"),
    ("周", "zhou"),
    ("吴", "wu"),
    ("曾", "zeng"),
    ("欧阳", "ouyang"),
];
/// What given names are made of, with its sound.
const GIVEN: [(&str, &str); 16] = [
    ("伟", "wei"),
    ("芳", "fang"),
    ("娜", "na"),
    ("敏", "min"),
    ("静", "jing"),
    ("强", "qiang"),
    ("磊", "lei"),
    ("洋", "yang"),
    ("勇", "yong"),
    ("艳", "yan"),
    ("杰", "jie"),
    ("娟", "juan"),
    ("涛", "tao"),
    ("明", "ming"),
    ("超", "chao"),
    ("霞", "xia"),
];

/// What is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Search {
    /// People in the company.
    #[arg(default_value_t = 5_000)]
    pub(crate) people: usize,
}

/// A colleague to be found.
struct Colleague {
    name: String,
    sound: String,
    initials: String,
    login: String,
}

#[derive(Deserialize)]
struct Hits {
    items: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(default)]
    login: String,
}

/// One run.
///
/// # Errors
/// It could not be done, or an answer was wrong.
pub(crate) async fn run(world: &World, asked: Search, common: Common) -> Outcome<Run> {
    let company = company(asked.people);
    for (at, block) in company.chunks(LINES).enumerate() {
        let lines = block
            .iter()
            .map(|one| format!("{}\t{}", one.name, one.login));
        let text = lines.collect::<Vec<_>>().join("\n");
        let key = format!("search-{at}");
        // The same key again, in the next run, adds nobody.
        world
            .by_admin("space.add_members", &json!({"text": text}), &key)
            .await?;
    }
    let mut run = Run::begun();
    let searches = (0..SEARCHERS).map(|who| searches(world, who, &company, common.seed));
    let mut all = Gathered::new()?;
    for times_us in try_join_all(searches).await? {
        times_us.iter().for_each(|us| all.add(*us));
    }
    run.figure("searches", counted(all.count()));
    run.figure("search_p95_ms", all.quantile_ms(0.95));
    run.latency("search", &all)?;
    Ok(run)
}

/// The searches of one person, each at its moment; how long they took from there, in µs.
async fn searches(
    world: &World,
    who: usize,
    company: &[Colleague],
    seed: u64,
) -> Outcome<Vec<u64>> {
    let api = Api::new(world.server.address(), address_of(who))?;
    let token = world.token(who);
    let mut dice = Seeded::new(seed ^ (who as u64) << 32);
    let began = Instant::now() + PAUSE * u32::try_from(dice.below(100)).unwrap_or(0) / 100;
    let mut times_us = Vec::new();
    for turn in 0..SEARCHES {
        let meant = &company[dice.below(company.len())];
        let query = query(meant, &mut dice);
        let due = began + PAUSE * turn;
        tokio::time::sleep_until(due).await;
        let params = json!({"query": query});
        let call = Call {
            method: "directory.search",
            params: &params,
            token: Some(token),
            key: None,
        };
        let hits: Hits = api.call(call).await?;
        times_us.push(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
        let found = hits.items.iter().any(|hit| hit.login == meant.login);
        if !found && hits.items.len() < HITS {
            return Err(Trouble::new(format!(
                "{query} does not find {}",
                meant.name
            )));
        }
    }
    Ok(times_us)
}

/// As people look for somebody: the name or its beginning, its sound, its initials, the login.
fn query(meant: &Colleague, dice: &mut Seeded) -> String {
    let whole = match dice.below(4) {
        0 => &meant.name,
        1 => &meant.sound,
        2 => &meant.initials,
        _ => &meant.login,
    };
    let letters: Vec<char> = whole.chars().collect();
    letters[..=dice.below(letters.len())].iter().collect()
}

/// A surname of two characters has two initials.
fn surname_initials(sound: &str) -> String {
    if sound == "ouyang" {
        "oy".to_owned()
    } else {
        sound[..1].to_owned()
    }
}

fn company(people: usize) -> Vec<Colleague> {
    (0..people)
        .map(|at| {
            let surname = SURNAMES[at % SURNAMES.len()];
            let first = GIVEN[at / SURNAMES.len() % GIVEN.len()];
            let second = GIVEN[at / (SURNAMES.len() * GIVEN.len()) % GIVEN.len()];
            let initial = |sound: &str| sound.chars().next().unwrap_or_default();
            Colleague {
                name: format!("{}{}{}", surname.0, first.0, second.0),
                sound: format!("{}{}{}", surname.1, first.1, second.1),
                initials: surname_initials(surname.1)
                    + &[initial(first.1), initial(second.1)]
                        .iter()
                        .collect::<String>(),
                login: format!("c{at:05}"),
            }
        })
        .collect()
}
