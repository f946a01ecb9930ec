//! HTTP/1.1 on a bare socket, with a judge: whatever test reads an answer, the answer's shape is
//! checked.

use std::{fmt, io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::{PATIENCE, head, head::Head};

/// The only headers that the server may send. One that is not here and appears in an answer is a
/// leak until somebody says why not.
const ALLOWED_HEADERS: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "referrer-policy",
    "retry-after",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-request-id",
];

/// An answer, read to its end.
#[derive(Clone, Eq, PartialEq)]
pub struct Response {
    /// Of the status line.
    pub status: u16,
    /// In order, names as they came.
    pub headers: Vec<(String, String)>,
    /// Decoded.
    pub body: Vec<u8>,
}

/// Sends these bytes and reads one answer, which is judged.
///
/// # Panics
/// Where no answer comes or the judge objects.
pub async fn http(to: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    http_unjudged(to, request).await.judged(&[])
}

/// As [`http`], for answers that something else than the server gives.
///
/// # Panics
/// Where no answer comes.
pub async fn http_unjudged(to: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let exchange = async {
        let mut stream = TcpStream::connect(to).await?;
        stream.write_all(request.as_ref()).await?;
        let mut stream = BufReader::new(stream);
        let head = Head::read(&mut stream).await?;
        Response::read(head, &mut stream).await
    };
    timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time")
        .expect("an answer")
}

/// `GET`, judged.
///
/// # Panics
/// As [`http`].
pub async fn get(to: SocketAddr, path_and_query: &str, headers: &[(&str, &str)]) -> Response {
    http(to, request("GET", to, path_and_query, headers, None)).await
}

/// `POST` of a JSON body, judged.
///
/// # Panics
/// As [`http`].
pub async fn post_json(
    to: SocketAddr,
    path_and_query: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Response {
    let body = body.to_string();
    http(
        to,
        request("POST", to, path_and_query, headers, Some(&body)),
    )
    .await
}

fn request(
    method: &str,
    to: SocketAddr,
    path_and_query: &str,
    headers: &[(&str, &str)],
    json: Option<&str>,
) -> String {
    let mut request = format!("{method} {path_and_query} HTTP/1.1\r\n");
    let mut header = |name: &str, value: &str| {
        if head::all(&owned(headers), name).is_empty() {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    };
    header("host", &to.to_string());
    header("connection", "close");
    if let Some(json) = json {
        header("content-type", "application/json");
        header("content-length", &json.len().to_string());
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{request}\r\n{}", json.unwrap_or_default())
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl Response {
    /// Reads the body that belongs to this head.
    pub(crate) async fn read<R: AsyncBufRead + Unpin>(
        head: Head,
        from: &mut R,
    ) -> io::Result<Self> {
        let status = head
            .start
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status line: {}", head.start)))?;
        let chunked = head.all("transfer-encoding").contains(&"chunked");
        let length = head.all("content-length").first().map(|it| it.parse());
        let mut body = Vec::new();
        match (status, length) {
            (100..=199 | 204 | 304, _) => {}
            _ if chunked => body = read_chunks(from).await?,
            (_, Some(Ok(length))) => {
                body = vec![0; length];
                from.read_exact(&mut body).await?;
            }
            _ => {
                from.read_to_end(&mut body).await?;
            }
        }
        Ok(Self {
            status,
            headers: head.headers,
            body,
        })
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        head::all(&self.headers, name).first().copied()
    }

    /// The body as text.
    ///
    /// # Panics
    /// Where it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// The slug of a problem.
    ///
    /// # Panics
    /// Where the body is not a problem.
    #[must_use]
    pub fn code(&self) -> String {
        let problem = self.json();
        problem["code"]
            .as_str()
            .expect("a problem with `code`")
            .to_owned()
    }

    /// Judges the answer: only headers that are allowed, and `also`; a refusal is a problem
    /// (RFC 9457) with its code, its request id and its own status.
    ///
    /// # Panics
    /// Where the judge objects.
    #[must_use]
    pub fn judged(self, also: &[&str]) -> Self {
        for (name, _) in &self.headers {
            let name = name.to_ascii_lowercase();
            let allowed = ALLOWED_HEADERS.contains(&name.as_str())
                || also.iter().any(|it| it.eq_ignore_ascii_case(&name));
            assert!(
                allowed,
                "header `{name}` is not one the server may send: {self:?}"
            );
        }
        if self.status >= 400 && !self.is_from_the_parser() {
            self.judge_problem();
        }
        self
    }

    fn judge_problem(&self) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        for member in ["type", "title", "detail", "instance", "code"] {
            assert!(
                problem[member].is_string(),
                "a problem without `{member}`: {self:?}"
            );
        }
        assert_eq!(problem["status"], self.status, "{self:?}");
        if self.status == 401 {
            assert!(
                self.header("www-authenticate").is_some(),
                "401 unexplained: {self:?}"
            );
        }
        if matches!(self.status, 429 | 503) {
            assert!(
                self.header("retry-after").is_some(),
                "no `Retry-After`: {self:?}"
            );
        }
    }

    /// The HTTP parser refuses what it cannot read before anything of ours runs, and says nothing.
    fn is_from_the_parser(&self) -> bool {
        self.body.is_empty() && matches!(self.status, 400 | 408 | 413 | 414 | 431 | 505)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish()
    }
}

async fn read_chunks<R: AsyncBufRead + Unpin>(from: &mut R) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).await?;
        let size = usize::from_str_radix(line.trim(), 16)
            .map_err(|_not_hex| io::Error::other("a chunk without its size"))?;
        let start = body.len();
        body.resize(start + size + 2, 0);
        from.read_exact(&mut body[start..]).await?;
        body.truncate(start + size);
        if size == 0 {
            return Ok(body);
        }
    }
}
