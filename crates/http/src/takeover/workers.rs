//! The threads that accept connections and serve them.
//!
//! Each accepts for itself. One thread that accepts for all, as actix-server has it, costs every
//! connection two changes of thread and a queue: a tenth of its whole price.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    thread,
    time::Duration,
};

use actix_web::rt::net::TcpStream;
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{Semaphore, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::ListenerMetrics;

/// A listener's threads.
pub struct Workers {
    stop: CancellationToken,
    /// Yields nothing; ends when the last thread has.
    ended: mpsc::Receiver<()>,
}

impl Workers {
    /// Starts `count` threads that hand what they accept to `serve`, which each of them makes for
    /// itself. None has more than `connections` at once.
    pub(super) fn start<M, A, S, F>(
        listener: TcpListener,
        (count, connections): (usize, usize),
        metrics: ListenerMetrics,
        make: M,
    ) -> io::Result<Self>
    where
        M: Fn() -> A + Clone + Send + 'static,
        A: Future<Output = Option<S>>,
        S: Fn(TcpStream, SocketAddr) -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        listener.set_nonblocking(true)?;
        let stop = CancellationToken::new();
        let (alive, ended) = mpsc::channel(1);
        for number in 0..count {
            let (listener, stop, alive) = (listener.try_clone()?, stop.clone(), alive.clone());
            let (make, metrics) = (make.clone(), metrics.clone());
            thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    while !stop.is_cancelled() {
                        let life = || live(&listener, connections, &metrics, &make, &stop);
                        match catch_unwind(AssertUnwindSafe(life)) {
                            Ok(Ok(())) => continue,
                            Ok(Err(error)) => {
                                tracing::error!(event = "worker.failed", %error, "a worker cannot listen");
                                thread::sleep(BREATH);
                            }
                            // The panic's own message went to the panic hook; it may quote anything.
                            Err(_panic) => tracing::error!(event = "worker.failed", "a worker panicked and starts again"),
                        }
                        metrics.worker.inc();
                    }
                    // Whoever waits for the last thread may bind the address again.
                    drop((listener, alive));
                })?;
        }
        Ok(Self { stop, ended })
    }

    /// Stops accepting, gives requests under way a second, and waits for the threads' end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let _all_ended = self.ended.recv().await;
    }
}

/// One thread's life. Its runtime runs local tasks by itself: through a set of them beside it, as
/// actix's own has it, every wake-up would pass two queues.
fn live<M, A, S, F>(
    listener: &TcpListener,
    connections: usize,
    metrics: &ListenerMetrics,
    make: &M,
    stop: &CancellationToken,
) -> io::Result<()>
where
    M: Fn() -> A,
    A: Future<Output = Option<S>>,
    S: Fn(TcpStream, SocketAddr) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        let Some(serve) = make().await else {
            return Err(io::Error::other("its service could not be made"));
        };
        let tracker = TaskTracker::new();
        // A task: what the runtime is blocked on itself would be asked again with every wake-up.
        let metrics = metrics.clone();
        let accepting = accept(listener, connections, metrics, serve, tracker.clone());
        let mut accepting = tokio::task::spawn_local(accepting);
        tokio::select! {
            ended = &mut accepting => if let Err(error) = ended {
                resume_unwind(error.into_panic());
            },
            () = stop.cancelled() => accepting.abort(),
        }
        tracker.close();
        let _all_ended = tokio::time::timeout(LAST_ANSWERS, tracker.wait()).await;
        Ok(())
    })
}

/// Takes one connection after the other and has it served, until it is dropped.
async fn accept<S, F>(
    listener: tokio::net::TcpListener,
    connections: usize,
    metrics: ListenerMetrics,
    serve: S,
    tracker: TaskTracker,
) where
    S: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = ()> + 'static,
{
    let room = Rc::new(Semaphore::new(connections));
    loop {
        if room.available_permits() == 0 {
            metrics.full.inc();
        }
        // Never closed: the semaphore lives as long as this loop.
        let Ok(place) = room.acquire().await else {
            return;
        };
        match listener.accept().await {
            Ok((io, peer)) => {
                place.forget();
                // Boxed: on its way into a task a future is copied several times.
                let (serving, room) = (Box::pin(serve(io, peer)), Rc::clone(&room));
                tracker.spawn_local(async move {
                    let _place = Place(room);
                    serving.await;
                });
                // Whoever has been accepted gets a turn before the next one in the queue.
                tokio::task::yield_now().await;
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                metrics.accept.inc();
                tracing::error!(event = "accept.failed", %error, "a connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Gives a connection's place back, whatever became of it.
struct Place(Rc<Semaphore>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// Whether it concerns one connection only, which is gone.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// How long to wait for a descriptor, or for memory.
const BREATH: Duration = Duration::from_millis(250);

/// How long requests under way may take once the listener stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::{
        future::{Ready, ready},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::Metrics;

    fn metrics() -> ListenerMetrics {
        Metrics::new("0").unwrap().listener("public")
    }

    fn bound() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    async fn echo(mut io: TcpStream) {
        while let Ok(byte) = io.read_u8().await {
            io.write_u8(byte).await.unwrap();
        }
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.unwrap()
    }

    /// Long enough for a machine that has much else to do.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// One byte there and back.
    async fn is_served(io: &mut TcpStream) -> bool {
        io.write_u8(7).await.unwrap();
        answers(io, PATIENCE).await
    }

    /// Whether the byte comes back in time.
    async fn answers(io: &mut TcpStream, within: Duration) -> bool {
        let answer = tokio::time::timeout(within, io.read_u8()).await;
        matches!(answer, Ok(Ok(7)))
    }

    #[tokio::test]
    async fn every_worker_makes_its_own_service_and_stops_when_told() {
        let (listener, address) = bound();
        let (made, mut services) = mpsc::channel(3);
        let workers = Workers::start(listener, (3, 10), metrics(), move || {
            made.try_send(()).unwrap();
            ready(Some(|io, _peer| echo(io)))
        })
        .unwrap();
        for _ in 0..3 {
            services.recv().await.unwrap();
        }
        let mut io = connect(address).await;
        assert!(is_served(&mut io).await);
        drop(io);
        workers.stop().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn beyond_the_cap_a_connection_waits_for_its_turn() {
        let (listener, address) = bound();
        let metrics = metrics();
        let serve = || ready(Some(|io, _peer| echo(io)));
        let workers = Workers::start(listener, (1, 1), metrics.clone(), serve).unwrap();
        let mut first = connect(address).await;
        assert!(is_served(&mut first).await);
        let mut second = connect(address).await;
        second.write_u8(7).await.unwrap();
        assert!(!answers(&mut second, Duration::from_millis(200)).await);
        assert_eq!(metrics.full.get(), 1);
        drop(first);
        assert_eq!(second.read_u8().await.unwrap(), 7);
        drop(second);
        workers.stop().await;
    }

    #[tokio::test]
    async fn a_worker_that_panics_starts_again() {
        let (listener, address) = bound();
        let broken = Arc::new(AtomicUsize::new(0));
        let metrics = metrics();
        let make = move || -> Ready<Option<_>> {
            let broken = Arc::clone(&broken);
            ready(Some(move |io, _peer| {
                assert!(broken.fetch_add(1, Ordering::SeqCst) > 0, "as planned");
                echo(io)
            }))
        };
        let workers = Workers::start(listener, (1, 10), metrics.clone(), make).unwrap();
        let mut cut = connect(address).await;
        assert!(cut.read_u8().await.is_err());
        let mut io = connect(address).await;
        assert!(is_served(&mut io).await);
        assert_eq!(metrics.worker.get(), 1);
        drop(io);
        workers.stop().await;
    }
}
