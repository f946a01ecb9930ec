//! The client's side of a session as a byte stream. In the binary's own listener it is the socket
//! itself ([`crate::takeover`]); anywhere else it is portable: actix-web's upgraded request payload
//! in, a streaming response body out, so that any actix-web app can mount the bridge.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::{BodySize, MessageBody},
    web,
};
use bytes::{Buf, Bytes};
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::takeover::{ClientLeg, Offered, Opened};

/// Bytes that may wait between the session and the connection before the session waits.
const MOST_WAITING: usize = 64 * 1024;

/// Finishes a 101 and has `start` run on the connection behind it.
pub(crate) fn connect(
    req: &HttpRequest,
    mut answer: HttpResponseBuilder,
    payload: web::Payload,
    start: impl FnOnce(ClientLeg) + 'static,
) -> HttpResponse {
    if req.extensions().contains::<Offered>() {
        let mut answer = answer.finish();
        answer.extensions_mut().insert(Opened(Box::new(start)));
        return answer;
    }
    let (client, body) = pair(payload);
    start(ClientLeg::Payload(client));
    answer.body(body)
}

/// Makes the two ends: what the session reads and writes, and what the response streams.
fn pair(payload: web::Payload) -> (PayloadLeg, LegBody) {
    let pipe = Rc::new(RefCell::new(Pipe::default()));
    let leg = PayloadLeg {
        payload: payload.into_inner(),
        unread: Bytes::new(),
        pipe: Rc::clone(&pipe),
    };
    (leg, LegBody { pipe })
}

#[derive(Default)]
struct Pipe {
    chunks: VecDeque<Bytes>,
    waiting: usize,
    finished: bool,
    gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

/// What the session reads from and writes to.
pub(crate) struct PayloadLeg {
    payload: actix_web::dev::Payload,
    unread: Bytes,
    pipe: Rc<RefCell<Pipe>>,
}

impl AsyncRead for PayloadLeg {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match Pin::new(&mut self.payload).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.unread = chunk,
                // Both mean that the client sends no more.
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        let size = self.unread.len().min(buf.remaining());
        buf.put_slice(self.unread.get(..size).unwrap_or_default());
        self.unread.advance(size);
        if self.unread.is_empty() {
            self.unread = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PayloadLeg {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.gone || pipe.finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if pipe.waiting >= MOST_WAITING {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let size = bytes.len().min(MOST_WAITING - pipe.waiting);
        pipe.chunks.push_back(Bytes::copy_from_slice(
            bytes.get(..size).unwrap_or_default(),
        ));
        pipe.waiting += size;
        pipe.wake_reader();
        Poll::Ready(Ok(size))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.pipe.borrow_mut();
        if pipe.gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if pipe.waiting > 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        {
            let mut pipe = self.pipe.borrow_mut();
            pipe.finished = true;
            pipe.wake_reader();
            if pipe.gone {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_flush(cx)
    }
}

impl Drop for PayloadLeg {
    fn drop(&mut self) {
        let mut pipe = self.pipe.borrow_mut();
        pipe.finished = true;
        pipe.wake_reader();
    }
}

/// What the response streams.
struct LegBody {
    pipe: Rc<RefCell<Pipe>>,
}

impl MessageBody for LegBody {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut pipe = self.pipe.borrow_mut();
        if let Some(chunk) = pipe.chunks.pop_front() {
            pipe.waiting -= chunk.len();
            pipe.wake_writer();
            return Poll::Ready(Some(Ok(chunk)));
        }
        if pipe.finished {
            return Poll::Ready(None);
        }
        pipe.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for LegBody {
    fn drop(&mut self) {
        let mut pipe = self.pipe.borrow_mut();
        pipe.gone = true;
        pipe.chunks.clear();
        pipe.waiting = 0;
        pipe.wake_writer();
    }
}
