//! What an upstream says when it answers a handshake with anything but 101: the one thing that the
//! person who debugs a route wants to read, and that awc throws away.

use std::{fmt, time::Duration};

use tokio::{io::AsyncReadExt as _, time::timeout};
use tollbridge_stream::Line;

/// An answer that is not 101: its headers and the beginning of its body.
#[derive(Clone, Eq, PartialEq)]
pub struct Refused {
    /// In the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most 2 KiB, control characters as blanks. It may hold anything, a credential that it
    /// repeats among it: whoever prints it looks for those first.
    pub body: String,
}

impl Refused {
    /// Reads on where awc stopped, for a second at the longest.
    pub(crate) async fn read(mut heard: Vec<u8>, line: Option<Line>) -> Option<Self> {
        if let Some(mut line) = line {
            // What does not come in time is not waited for; what has come is looked at.
            let _late = timeout(PATIENCE, read_on(&mut line, &mut heard)).await;
        }
        Self::parse(&heard)
    }

    fn parse(heard: &[u8]) -> Option<Self> {
        let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut lines);
        let Ok(httparse::Status::Complete(length)) = head.parse(heard) else {
            return None;
        };
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|line| (line.name.to_ascii_lowercase(), legible(line.value)))
            .collect();
        let rest = heard.get(length..).unwrap_or_default();
        let chunked = of(&headers, "transfer-encoding").is_some_and(|it| it.contains("chunked"));
        let body = if chunked {
            legible(&joined(rest))
        } else {
            legible(rest)
        };
        let end = body.floor_char_boundary(LONGEST_BODY);
        Some(Self {
            headers,
            body: body.get(..end).unwrap_or_default().trim().to_owned(),
        })
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        of(&self.headers, name)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").finish_non_exhaustive()
    }
}

async fn read_on(line: &mut Line, heard: &mut Vec<u8>) {
    let mut part = [0; 2048];
    while wants_more(heard) {
        match line.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(count) => heard.extend_from_slice(part.get(..count).unwrap_or_default()),
        }
    }
}

/// Whether there is a head, and less of a body than it announces and we want.
fn wants_more(heard: &[u8]) -> bool {
    let mut lines = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut lines);
    let Ok(httparse::Status::Complete(length)) = head.parse(heard) else {
        return false;
    };
    let body = heard.get(length..).unwrap_or_default();
    let announced = head.headers.iter().find_map(|line| {
        let named = line.name.eq_ignore_ascii_case("content-length");
        let value = std::str::from_utf8(line.value).ok().filter(|_| named)?;
        value.trim().parse::<usize>().ok()
    });
    let ended = body.ends_with(b"0\r\n\r\n");
    body.len() < announced.unwrap_or(LONGEST_BODY).min(LONGEST_BODY) && !ended
}

/// The chunks of a body, without what frames them (RFC 9112, 7.1).
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let chunk = rest.get(start..).unwrap_or_default();
        let chunk = chunk.get(..size.min(chunk.len())).unwrap_or_default();
        body.extend_from_slice(chunk);
        let next = start.saturating_add(size).saturating_add(2);
        rest = rest.get(next..).unwrap_or_default();
        if size == 0 || body.len() >= LONGEST_BODY {
            break;
        }
    }
    body
}

fn of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut headers = headers.iter();
    headers
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// One line of text, whatever it was.
fn legible(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

const PATIENCE: Duration = Duration::from_secs(1);
const MOST_HEADERS: usize = 96;
const LONGEST_BODY: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_body_are_read_as_they_came() {
        let refused = Refused::parse(
            b"HTTP/1.1 403 Forbidden\r\nX-Tt-Logid: abc\r\nContent-Length: 9\r\n\r\n{\"a\":\n1}",
        )
        .unwrap();
        assert_eq!(refused.header("x-tt-logid"), Some("abc"));
        assert_eq!(refused.body, "{\"a\": 1}");
    }

    #[test]
    fn chunks_are_joined() {
        let head = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let refused = Refused::parse(&[&head[..], b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"].concat());
        assert_eq!(refused.unwrap().body, "abcde");
        let torn = Refused::parse(&[&head[..], b"ffffffffffffffff\r\nabc"].concat());
        assert_eq!(torn.unwrap().body, "abc");
    }

    #[test]
    fn a_body_is_cut_between_characters_and_half_a_head_is_nothing() {
        let long = ["HTTP/1.1 400 B\r\n\r\n", &"é".repeat(3000)].concat();
        assert_eq!(Refused::parse(long.as_bytes()).unwrap().body.len(), 2048);
        assert!(Refused::parse(b"HTTP/1.1 400 B\r\nX: ").is_none());
        assert!(Refused::parse(b"").is_none());
    }
}
