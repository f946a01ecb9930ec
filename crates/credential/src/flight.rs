//! One fetch that is under way, for all who wait for it.

use std::{sync::Arc, thread};

use tollbridge_domain::Moment;

use crate::{FetchError, credential::Core, value::Harvest};

/// The right and the duty to make a fetch. Dropped before it has landed, e.g. with the worker that
/// it flew on, it leaves the right to somebody else.
pub(crate) struct Flight {
    core: Arc<Core>,
    number: u64,
    landed: bool,
}

impl Flight {
    pub(crate) const fn new(core: Arc<Core>, number: u64) -> Self {
        Self {
            core,
            number,
            landed: false,
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// It has come to an end, good or bad.
    pub(crate) fn land(mut self, asked: Moment, outcome: Result<Harvest, FetchError>) {
        self.landed = true;
        self.core.land(self.number, asked, outcome);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.landed {
            return;
        }
        // Whoever took over from a panic would only find the next one.
        if thread::panicking() {
            let now = self.core.now();
            self.core.land(self.number, now, Err(FetchError::Abandoned));
        } else {
            self.core.abandon(self.number);
        }
    }
}
