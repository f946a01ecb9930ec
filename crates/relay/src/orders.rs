//! Ending a running session from outside.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use tollbridge_domain::Slug;

/// Held by whoever may end the session. Clones hold the same session; the first order wins.
#[derive(Clone, Debug)]
pub struct Reins(Arc<Slot>);

/// Given to the session, which obeys.
#[derive(Debug)]
pub struct Orders(Arc<Slot>);

/// What the session was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Order {
    pub(crate) slug: Slug,
    pub(crate) retry_after: Option<u32>,
}

#[derive(Debug, Default)]
struct Slot {
    order: OnceLock<Order>,
    waker: AtomicWaker,
}

impl Reins {
    /// Both ends.
    #[must_use]
    pub fn new() -> (Self, Orders) {
        let slot = Arc::new(Slot::default());
        (Self(Arc::clone(&slot)), Orders(slot))
    }

    /// Ends the session, now or as soon as it starts; without effect once another order was given.
    pub fn end(&self, slug: Slug, retry_after: Option<u32>) {
        if self.0.order.set(Order { slug, retry_after }).is_ok() {
            self.0.waker.wake();
        }
    }
}

impl Orders {
    /// Waits for what precedes a session, unless an order comes first.
    ///
    /// # Errors
    /// The order: its slug, and after how many seconds to come again.
    pub async fn unless_given<T>(
        &self,
        first: impl Future<Output = T>,
    ) -> Result<T, (Slug, Option<u32>)> {
        let mut first = pin!(first);
        poll_fn(|cx| {
            if let Poll::Ready(order) = self.poll(cx) {
                return Poll::Ready(Err((order.slug, order.retry_after)));
            }
            first.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    /// Whether there is one, for a session that has polled before and will be woken.
    pub(crate) fn are_given(&self) -> bool {
        self.0.order.get().is_some()
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Order> {
        if let Some(order) = self.0.order.get() {
            return Poll::Ready(*order);
        }
        self.0.waker.register(cx.waker());
        // An order between the two lines above found no waker to wake.
        self.0
            .order
            .get()
            .map_or(Poll::Pending, |order| Poll::Ready(*order))
    }
}
