//! How many TLS handshakes are under way on a worker at once.
//!
//! A handshake costs a worker more than anything else a stranger can ask for, and sessions live on
//! the same worker. Beyond the bound newcomers wait, in order. So that nobody can shut the door by
//! stalling, who waits may end the oldest handshake once that has had its second.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use tokio::{
    sync::{AcquireError, Semaphore, SemaphorePermit, oneshot},
    time::{Instant, sleep_until},
};

/// The slots of one worker.
pub(super) struct Slots {
    free: Semaphore,
    numbers: Cell<u64>,
    /// By age: the first has its slot for the longest time.
    taken: RefCell<BTreeMap<u64, Taken>>,
}

struct Taken {
    since: Instant,
    leave: oneshot::Sender<()>,
}

/// A place among the handshakes under way.
pub(super) struct Slot<'s> {
    slots: &'s Slots,
    number: u64,
    told: oneshot::Receiver<()>,
    _permit: SemaphorePermit<'s>,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
        Self {
            free: Semaphore::new(most),
            numbers: Cell::default(),
            taken: RefCell::default(),
        }
    }

    /// Takes a slot, as soon as there is one. The caller has the deadline.
    pub(super) async fn take(&self) -> Result<Slot<'_>, AcquireError> {
        let permit = match self.free.try_acquire() {
            Ok(permit) => permit,
            Err(_none) => self.wait().await?,
        };
        let number = self.numbers.get();
        self.numbers.set(number.wrapping_add(1));
        let (leave, told) = oneshot::channel();
        let since = Instant::now();
        self.taken
            .borrow_mut()
            .insert(number, Taken { since, leave });
        Ok(Slot {
            slots: self,
            number,
            told,
            _permit: permit,
        })
    }

    async fn wait(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        let mut free = std::pin::pin!(self.free.acquire());
        tokio::select! {
            permit = &mut free => permit,
            () = self.make_room() => free.await,
        }
    }

    /// Ends the oldest handshake once it has had its time.
    async fn make_room(&self) {
        loop {
            let oldest = self
                .taken
                .borrow()
                .first_key_value()
                .map(|(number, taken)| (*number, taken.since));
            let Some((number, since)) = oldest else {
                return;
            };
            sleep_until(since + GRACE).await;
            let oldest = self.taken.borrow_mut().remove(&number);
            if let Some(oldest) = oldest {
                // One that is done this very moment has no ear for it.
                let _done = oldest.leave.send(());
                return;
            }
        }
    }
}

impl Slot<'_> {
    /// Returns once somebody else needs the slot.
    pub(super) async fn needed(&mut self) {
        let _told = (&mut self.told).await;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.taken.borrow_mut().remove(&self.number);
    }
}

/// More than two round trips around the world.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_done_makes_room_for_who_came_first() {
        let slots = Slots::new(1);
        let held = slots.take().await.unwrap();
        let mut second = std::pin::pin!(slots.take());
        let mut third = std::pin::pin!(slots.take());
        assert!(poll!(&mut second).is_pending());
        assert!(poll!(&mut third).is_pending());
        drop(held);
        let Poll::Ready(second) = poll!(&mut second) else {
            panic!("the second has no slot");
        };
        assert!(poll!(&mut third).is_pending());
        drop(second);
        assert!(poll!(&mut third).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn each_who_waits_ends_one_that_stalls_and_only_one_that_had_its_time() {
        let slots = Slots::new(2);
        let begun = Instant::now();
        let mut old = slots.take().await.unwrap();
        let mut young = slots.take().await.unwrap();
        let waiting = async {
            let slot = slots.take().await.unwrap();
            (slot, begun.elapsed())
        };
        let leaving = async {
            old.needed().await;
            drop(old);
        };
        let ((_slot, waited), ()) = tokio::join!(waiting, leaving);
        assert!(waited >= GRACE, "{waited:?}");
        assert!(poll!(std::pin::pin!(young.needed())).is_pending());
    }
}
