//! The plan of an open loop: what is sent when, known before the first message leaves. A slow server
//! does not slow the plan down, so its delays cannot hide in messages that were never sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

/// Numbers that look random and come out the same for the same seed (splitmix64, Steele 2014).
#[derive(Clone, Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    /// Begins at `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `below` − 1; 0 when `below` is 0.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        let wide = u128::from(self.next()) * below as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// More than 0, at most 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits fit a double; that is the point"
    )]
    fn share(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

/// One message of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// When it should leave, in µs after the start.
    pub(crate) at_us: u64,
    /// Into which conversation of the run.
    pub(crate) conversation: u32,
    /// By which person of the run.
    pub(crate) author: u32,
}

/// Messages at `rate` a second for `seconds`, at random moments (Poisson, as independent people send),
/// each in a random conversation by a random member of it.
///
/// `members` has the people of each conversation.
pub(crate) fn plan(rate: f64, seconds: f64, members: &[Vec<u32>], seed: u64) -> Vec<Planned> {
    let mut seeded = Seeded::new(seed);
    let mut plan = Vec::new();
    let mut at_s = 0.0;
    while !members.is_empty() {
        at_s -= seeded.share().ln() / rate;
        if at_s >= seconds {
            break;
        }
        let conversation = seeded.below(members.len());
        let of = &members[conversation];
        plan.push(Planned {
            at_us: Duration::from_secs_f64(at_s)
                .as_micros()
                .try_into()
                .unwrap_or(u64::MAX),
            conversation: u32::try_from(conversation).unwrap_or(u32::MAX),
            author: of[seeded.below(of.len())],
        });
    }
    plan
}

/// Gives each message of `plan` to its author's queue when it is due. A thread of its own, since the
/// runtime's timer is only good for a millisecond. Ends with the plan; gives how many found a full queue.
pub(crate) fn start(
    plan: Arc<Vec<Planned>>,
    start: Instant,
    queues: Vec<mpsc::Sender<u32>>,
) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut held_back = 0;
        for (index, planned) in (0_u32..).zip(plan.iter()) {
            let due = start + Duration::from_micros(planned.at_us);
            loop {
                let left = due.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                std::thread::park_timeout(left);
            }
            let queue = queues.get(planned.author as usize);
            if queue.is_none_or(|queue| queue.try_send(index).is_err()) {
                held_back += 1;
            }
        }
        held_back
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_plan() {
        let members = [vec![0, 1], vec![2, 3]];
        assert_eq!(plan(100.0, 5.0, &members, 7), plan(100.0, 5.0, &members, 7));
        assert_ne!(plan(100.0, 5.0, &members, 7), plan(100.0, 5.0, &members, 8));
    }

    #[test]
    fn a_plan_keeps_its_rate_its_order_and_its_members() {
        let members = [vec![0, 1], vec![2, 3]];
        let plan = plan(1_000.0, 10.0, &members, 1);
        assert!((9_500..10_500).contains(&plan.len()), "{}", plan.len());
        assert!(plan.is_sorted_by_key(|planned| planned.at_us));
        assert!(
            plan.iter()
                .all(|planned| members[planned.conversation as usize].contains(&planned.author))
        );
    }

    #[test]
    fn nobody_to_talk_to_is_an_empty_plan() {
        assert_eq!(plan(1_000.0, 10.0, &[], 1), []);
    }
}
