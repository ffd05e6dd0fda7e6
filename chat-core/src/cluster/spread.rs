//! The connections of all nodes, as delivery sees them: those of this node, and beyond them a frame for each
//! other node that has any of the people.

use std::sync::Arc;

use super::message::{Frame, encode};
use super::{Cluster, People};
use crate::api::{Codec, Push};
use crate::delivery::{ConnectionId, Connections};
use crate::ids::{SessionId, UserId};

/// See the module.
pub(crate) struct Spread {
    pub(crate) local: Arc<dyn Connections>,
    pub(crate) cluster: Arc<Cluster>,
}

impl Connections for Spread {
    fn push(&self, users: &mut dyn Iterator<Item = UserId>, push: &Push) {
        self.queue(users, push);
        self.flush();
    }

    fn queue(&self, users: &mut dyn Iterator<Item = UserId>, push: &Push) {
        let users: Vec<UserId> = users.collect();
        let term = self.cluster.own_term();
        // Here too: a server that stood still, or waited for the database, may have heard its follower by now.
        let timely = self.cluster.terms.push(term, || {
            self.local.push(&mut users.iter().copied(), push);
        });
        if !timely {
            return;
        }
        for (id, on) in self.cluster.routes.among(&users) {
            let Some(peer) = self.cluster.by_id.get(&id).map(|peer| Arc::clone(&peer)) else {
                continue;
            };
            let frame = Frame::Push {
                term,
                to: on.into_iter().collect::<People>(),
                json: push.frame(Codec::Json),
                msgpack: push.frame(Codec::Msgpack),
            };
            peer.out().push(encode(&frame));
        }
    }

    fn flush(&self) {
        self.cluster.give_all();
    }

    fn push_to(&self, connections: &[ConnectionId], push: &Push) {
        self.local.push_to(connections, push);
    }

    fn online(&self, user: UserId) -> bool {
        self.local.online(user) || self.cluster.routes.knows(user)
    }

    fn all_online(&self) -> Vec<UserId> {
        self.local.all_online()
    }

    fn everybody(&self) -> Vec<UserId> {
        let mut all = self.local.all_online();
        all.extend(self.cluster.routes.users());
        all.sort_unstable();
        all.dedup();
        all
    }

    fn count_online(&self) -> usize {
        let here = self.local.all_online();
        let elsewhere = self.cluster.routes.count();
        let both = here.iter().filter(|user| self.cluster.routes.knows(**user));
        here.len() + elsewhere - both.count().min(elsewhere)
    }

    fn end_session(&self, session: SessionId) {
        self.local.end_session(session);
        self.cluster.send_to_all(&Frame::end_session(session));
    }

    fn resync(&self, user: Option<UserId>) {
        self.local.resync(user);
    }
}
