//! The open connections of this node, by person, session and number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use chat_core::api::Push;
use chat_core::delivery::{ConnectionId, Connections};
use chat_core::ids::{SessionId, UserId};
use dashmap::DashMap;

use super::outbox::{Close, Handle};

/// Connections of one person (wire contract); one more closes the oldest.
pub const PER_USER: usize = 10;

/// The open connections.
#[derive(Default)]
pub struct Hub {
    next_id: AtomicU64,
    /// Oldest first.
    by_user: DashMap<UserId, Vec<Arc<Handle>>>,
    by_id: DashMap<ConnectionId, Arc<Handle>>,
    /// Sockets that were accepted and are not open yet count too.
    sockets: AtomicUsize,
    draining: AtomicBool,
}

impl Hub {
    /// A number for a new connection.
    pub fn next_id(&self) -> ConnectionId {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a connection; tells whether it is its person's first.
    pub fn add(&self, handle: &Arc<Handle>) -> bool {
        self.by_id.insert(handle.id, Arc::clone(handle));
        let mut of_user = self.by_user.entry(handle.user_id).or_default();
        of_user.push(Arc::clone(handle));
        let surplus = of_user.len().saturating_sub(PER_USER);
        of_user
            .iter()
            .take(surplus)
            .for_each(|oldest| oldest.close(Close::TooManyDevices));
        of_user.len() == 1
    }

    /// Takes a connection away; tells whether it was its person's last.
    pub fn remove(&self, handle: &Handle) -> bool {
        self.by_id.remove(&handle.id);
        let dashmap::Entry::Occupied(mut entry) = self.by_user.entry(handle.user_id) else {
            return false;
        };
        entry.get_mut().retain(|other| other.id != handle.id);
        let last = entry.get().is_empty();
        if last {
            entry.remove();
        }
        last
    }

    /// A socket was accepted.
    pub fn accepted(&self) {
        self.sockets.fetch_add(1, Ordering::SeqCst);
    }

    /// A socket is gone.
    pub fn gone(&self) {
        self.sockets.fetch_sub(1, Ordering::SeqCst);
    }

    /// Sockets of any state.
    pub fn sockets(&self) -> usize {
        self.sockets.load(Ordering::SeqCst)
    }

    /// Whether the server is stopping.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Closes all connections; each is told when to come back, spread over `spread_ms`.
    pub fn drain(&self, spread_ms: u64) {
        self.draining.store(true, Ordering::SeqCst);
        let mut all: Vec<Arc<Handle>> = self
            .by_id
            .iter()
            .map(|entry| Arc::clone(entry.value()))
            .collect();
        // Who came first goes first: a simulation sees the same order each time.
        all.sort_unstable_by_key(|handle| handle.id);
        let count = all.len().max(1) as u64;
        for (turn, handle) in all.into_iter().enumerate() {
            handle.close(Close::Restart(turn as u64 * spread_ms / count));
        }
    }
}

impl Connections for Hub {
    fn push(&self, users: &mut dyn Iterator<Item = UserId>, push: &Push) {
        for user in users {
            if let Some(handles) = self.by_user.get(&user) {
                handles
                    .iter()
                    .for_each(|handle| handle.push(push.frame(handle.codec)));
            }
        }
    }

    fn push_to(&self, connections: &[ConnectionId], push: &Push) {
        for id in connections {
            if let Some(handle) = self.by_id.get(id) {
                handle.push(push.frame(handle.codec));
            }
        }
    }

    fn online(&self, user: UserId) -> bool {
        self.by_user.contains_key(&user)
    }

    fn all_online(&self) -> Vec<UserId> {
        self.by_user.iter().map(|entry| *entry.key()).collect()
    }

    fn resync(&self, user: Option<UserId>) {
        match user {
            Some(user) => {
                if let Some(handles) = self.by_user.get(&user) {
                    handles.iter().for_each(|handle| handle.lag());
                }
            }
            None => self.by_id.iter().for_each(|handle| handle.lag()),
        }
    }

    fn end_session(&self, session: SessionId) {
        // Ending a session is rare; an index by session would cost every connection.
        for handle in self
            .by_id
            .iter()
            .filter(|handle| handle.session_id == session)
        {
            handle.close(Close::SignIn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::api::Codec;
    use chat_core::ids::Id;

    fn connect(hub: &Hub, user: u8) -> Arc<Handle> {
        let handle = Arc::new(Handle::new(
            hub.next_id(),
            Id([user; 16]),
            Id([user; 16]),
            Codec::Json,
        ));
        hub.add(&handle);
        handle
    }

    #[test]
    fn an_eleventh_connection_closes_the_oldest() {
        let hub = Hub::default();
        let all: Vec<_> = (0..10).map(|_| connect(&hub, 1)).collect();
        connect(&hub, 2);
        assert!(all.iter().all(|handle| handle.closing().is_none()));
        connect(&hub, 1);
        assert_eq!(all[0].closing(), Some(Close::TooManyDevices));
        assert!(all[1].closing().is_none());
    }

    #[test]
    fn the_first_and_the_last_connection_are_told() {
        let hub = Hub::default();
        let one = Arc::new(Handle::new(1, Id([1; 16]), Id([1; 16]), Codec::Json));
        let other = Arc::new(Handle::new(2, Id([1; 16]), Id([1; 16]), Codec::Json));
        assert!(hub.add(&one));
        assert!(!hub.add(&other));
        assert!(!hub.remove(&one));
        assert!(hub.online(Id([1; 16])));
        assert!(hub.remove(&other));
        assert!(!hub.online(Id([1; 16])));
    }

    #[test]
    fn a_drain_spreads_the_reconnects() {
        let hub = Hub::default();
        let all: Vec<_> = (0..4).map(|user| connect(&hub, user)).collect();
        hub.drain(1_000);
        let mut delays: Vec<_> = all
            .iter()
            .map(|handle| handle.closing().map(Close::reason).unwrap())
            .collect();
        delays.sort();
        assert_eq!(delays, ["0", "250", "500", "750"]);
    }
}
