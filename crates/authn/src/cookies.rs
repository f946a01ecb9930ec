//! What whoever knows a caller wants them to keep.

use std::fmt;

/// Values of `Set-Cookie` that go back to the caller, e.g. where a check prolongs a session. Not
/// printable: they are credentials.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Cookies(Vec<Vec<u8>>);

impl Cookies {
    /// These, in this order.
    #[must_use]
    pub fn new(values: Vec<Vec<u8>>) -> Self {
        Self(values)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cookies", self.0.len())
    }
}
