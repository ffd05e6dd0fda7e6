//! Who has connections on which other node: replicated from what each node says, and so at once what presence
//! is in a cluster.

use std::collections::BTreeMap;

use dashmap::DashMap;

use super::message::People;
use crate::ids::UserId;

/// Names another node while it lives.
pub(crate) type PeerId = u32;

/// See the module. Bounded by the people who have connections.
#[derive(Default)]
pub(crate) struct Routes(DashMap<UserId, Vec<PeerId>>);

impl Routes {
    /// `peer` has connections of these people, and none of those. Tells for whom that is news.
    pub(crate) fn change(&self, peer: PeerId, came: &People, went: &People) -> Vec<UserId> {
        let mut news = Vec::new();
        for user in came.iter() {
            let mut on = self.0.entry(user).or_default();
            if !on.contains(&peer) {
                on.push(peer);
                news.push(user);
            }
        }
        for user in went.iter() {
            if self.leave(user, peer) {
                news.push(user);
            }
        }
        news
    }

    /// `peer` has connections of exactly these people.
    pub(crate) fn replace(&self, peer: PeerId, online: &People) -> Vec<UserId> {
        let now: std::collections::HashSet<UserId> = online.iter().collect();
        let gone: People = self
            .of(peer)
            .into_iter()
            .filter(|user| !now.contains(user))
            .collect();
        self.change(peer, online, &gone)
    }

    /// `peer` is gone.
    pub(crate) fn remove(&self, peer: PeerId) -> Vec<UserId> {
        self.replace(peer, &People::default())
    }

    fn of(&self, peer: PeerId) -> Vec<UserId> {
        let with = self.0.iter().filter(|entry| entry.contains(&peer));
        with.map(|entry| *entry.key()).collect()
    }

    fn leave(&self, user: UserId, peer: PeerId) -> bool {
        let dashmap::Entry::Occupied(mut entry) = self.0.entry(user) else {
            return false;
        };
        let before = entry.get().len();
        entry.get_mut().retain(|other| *other != peer);
        let left = entry.get().len() < before;
        if entry.get().is_empty() {
            entry.remove();
        }
        left
    }

    /// Whether any other node has a connection of `user`.
    pub(crate) fn knows(&self, user: UserId) -> bool {
        self.0.contains_key(&user)
    }

    /// Everybody who has a connection on another node, in any order.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.0.iter().map(|entry| *entry.key()).collect()
    }

    /// How many people have connections on other nodes.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Which of these people are on which nodes.
    pub(crate) fn among(&self, users: &[UserId]) -> BTreeMap<PeerId, Vec<UserId>> {
        let mut by: BTreeMap<PeerId, Vec<UserId>> = BTreeMap::new();
        for user in users {
            if let Some(on) = self.0.get(user) {
                for peer in on.iter() {
                    by.entry(*peer).or_default().push(*user);
                }
            }
        }
        by
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn people(ids: &[u8]) -> People {
        ids.iter().map(|id| Id([*id; 16])).collect()
    }

    fn ids(users: &[UserId]) -> Vec<u8> {
        let mut ids: Vec<u8> = users.iter().map(|user| user.0[0]).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn people_are_found_on_the_nodes_that_have_them() {
        let routes = Routes::default();
        assert_eq!(
            ids(&routes.change(1, &people(&[1, 2]), &people(&[]))),
            [1, 2]
        );
        assert_eq!(
            ids(&routes.change(2, &people(&[2, 3]), &people(&[]))),
            [2, 3]
        );
        assert_eq!(
            ids(&routes.change(2, &people(&[2]), &people(&[9]))),
            [] as [u8; 0]
        );
        let by = routes.among(&[Id([2; 16]), Id([3; 16]), Id([4; 16])]);
        assert_eq!(ids(&by[&1]), [2]);
        assert_eq!(ids(&by[&2]), [2, 3]);
    }

    #[test]
    fn what_a_node_says_of_all_replaces_what_it_said_before() {
        let routes = Routes::default();
        routes.change(1, &people(&[1, 2]), &people(&[]));
        assert_eq!(ids(&routes.replace(1, &people(&[2, 3]))), [1, 3]);
        assert!(!routes.knows(Id([1; 16])) && routes.knows(Id([3; 16])));
        assert_eq!(ids(&routes.remove(1)), [2, 3]);
        assert!(routes.0.is_empty());
    }
}
