//! Heads of HTTP/1.1 messages, as both ends of a test read them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Start line and headers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Head {
    /// Without its line end.
    pub(crate) start: String,
    /// Names as they came.
    pub(crate) headers: Vec<(String, String)>,
    /// All of it, as it came.
    pub(crate) raw: String,
}

impl Head {
    /// Reads up to the empty line, byte by byte: what follows stays in the stream.
    ///
    /// # Errors
    /// Where the connection ends first.
    pub(crate) async fn read<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Self> {
        const LONGEST: usize = 1024 * 1024;
        let mut raw = Vec::new();
        while !raw.ends_with(b"\r\n\r\n") && raw.len() < LONGEST {
            raw.push(from.read_u8().await?);
        }
        Ok(Self::parse(String::from_utf8_lossy(&raw).into_owned()))
    }

    /// The values of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        all(&self.headers, name)
    }

    fn parse(raw: String) -> Self {
        let mut lines = raw.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Self {
            start,
            headers,
            raw,
        }
    }
}

/// The values of a header, in order.
pub(crate) fn all<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers
        .iter()
        .filter(|(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .collect()
}
