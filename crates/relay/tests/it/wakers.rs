//! A session on real sockets is woken for either direction, whoever polls it.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tollbridge_relay::{Meter, Reins, relay};

use crate::{
    frames::{TEXT, masked, plain},
    stage::{Counting, terms},
};

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// One poller of several.
struct Poller {
    woken: Arc<Woken>,
    waker: Waker,
}

impl Poller {
    fn new() -> Self {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        Self { woken, waker }
    }

    fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Waits until it has been woken, and forgets it.
    async fn is_woken(&self) {
        let woken = async {
            while self.woken.0.swap(0, Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, woken).await.unwrap();
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    (near.unwrap(), far.unwrap().0)
}

#[tokio::test]
async fn whoever_polled_last_is_woken_for_either_direction() {
    let (mut client, client_leg) = pair().await;
    let (mut upstream, upstream_leg) = pair().await;
    let (_reins, orders) = Reins::new();
    let (meter, entropy) = (Arc::new(Meter::default()), Arc::new(Counting::default()));
    let session = relay(client_leg, upstream_leg, terms(), orders, meter, entropy);
    let mut session = pin!(session);
    let up = masked(TEXT, b"up");
    let down = plain(TEXT, b"down");
    let (first, second) = (Poller::new(), Poller::new());
    for round in 0..20 {
        let poller = if round % 3 == 0 { &first } else { &second };
        for _ in 0..2 {
            let polled = session.as_mut().poll(&mut poller.context());
            assert!(polled.is_pending());
        }
        if round % 2 == 0 {
            client.write_all(&up).await.unwrap();
        } else {
            upstream.write_all(&down).await.unwrap();
        }
        poller.is_woken().await;
        assert!(session.as_mut().poll(&mut poller.context()).is_pending());
        let mut read = [0; 64];
        let arrived = if round % 2 == 0 {
            let count = upstream.read(&mut read).await.unwrap();
            (&read[..count], up.as_slice())
        } else {
            let count = client.read(&mut read).await.unwrap();
            (&read[..count], down.as_slice())
        };
        assert_eq!(arrived.0, arrived.1, "round {round}");
    }
}

/// Long enough for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);
