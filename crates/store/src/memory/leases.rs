//! Session leases of one node.

use std::{collections::HashMap, hash::Hash, sync::Mutex};

use async_trait::async_trait;
use tollbridge_domain::{RouteName, SessionId, Subject, give_back_room};

use super::open;
use crate::{Lease, LeaseCaps, LeaseRefusal, SessionLeases, StoreError};

/// Session leases in process: they end with it, as the sessions do.
#[derive(Default)]
pub struct MemoryLeases {
    book: Mutex<Book>,
}

impl MemoryLeases {
    /// No lease held.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl SessionLeases for MemoryLeases {
    async fn acquire(
        &self,
        lease: &Lease,
        caps: LeaseCaps,
    ) -> Result<Result<(), LeaseRefusal>, StoreError> {
        Ok(open(&self.book).acquire(lease, caps))
    }

    async fn room(
        &self,
        lease: &Lease,
        caps: LeaseCaps,
    ) -> Result<Result<(), LeaseRefusal>, StoreError> {
        Ok(open(&self.book).room(lease, caps))
    }

    fn release(&self, lease: &Lease) {
        open(&self.book).release(&lease.session);
    }
}

#[derive(Default)]
struct Book {
    held: HashMap<SessionId, Holder>,
    routes: HashMap<RouteName, u32>,
    subjects: HashMap<Holder, u32>,
}

/// A subject on a route.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Holder {
    route: RouteName,
    subject: Subject,
}

impl Holder {
    fn of(lease: &Lease) -> Self {
        Self {
            route: lease.route.clone(),
            subject: lease.subject.clone(),
        }
    }
}

impl Book {
    fn acquire(&mut self, lease: &Lease, caps: LeaseCaps) -> Result<(), LeaseRefusal> {
        if self.held.contains_key(&lease.session) {
            return Ok(());
        }
        self.room(lease, caps)?;
        let holder = Holder::of(lease);
        *self.routes.entry(lease.route.clone()).or_default() += 1;
        *self.subjects.entry(holder.clone()).or_default() += 1;
        self.held.insert(lease.session.clone(), holder);
        Ok(())
    }

    fn room(&self, lease: &Lease, caps: LeaseCaps) -> Result<(), LeaseRefusal> {
        if self.held.contains_key(&lease.session) {
            return Ok(());
        }
        let holder = Holder::of(lease);
        let server = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        let route = self.routes.get(&lease.route).copied().unwrap_or(0);
        let subject = self.subjects.get(&holder).copied().unwrap_or(0);
        if reached(server, caps.server) {
            return Err(LeaseRefusal::Server);
        }
        if reached(route, caps.route) {
            return Err(LeaseRefusal::Route);
        }
        if reached(subject, caps.subject) {
            return Err(LeaseRefusal::Subject);
        }
        Ok(())
    }

    fn release(&mut self, session: &SessionId) {
        if let Some(holder) = self.held.remove(session) {
            count_down(&mut self.routes, &holder.route);
            count_down(&mut self.subjects, &holder);
        }
        give_back_room(&mut self.held);
        give_back_room(&mut self.subjects);
    }
}

fn reached(count: u32, cap: Option<u32>) -> bool {
    cap.is_some_and(|cap| count >= cap)
}

/// Entries go at zero, or a stream of new subjects would grow the map for ever.
fn count_down<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_left_after_the_last_release() {
        let leases = MemoryLeases::new();
        let lease = Lease {
            session: SessionId::parse("s1").unwrap(),
            route: RouteName::parse("voice").unwrap(),
            subject: Subject::parse("ada").unwrap(),
        };
        let granted = leases.acquire(&lease, LeaseCaps::default()).await.unwrap();
        assert_eq!(granted, Ok(()));
        leases.release(&lease);
        let book = open(&leases.book);
        assert!(book.held.is_empty() && book.routes.is_empty() && book.subjects.is_empty());
    }
}
