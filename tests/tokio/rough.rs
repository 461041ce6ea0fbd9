//! A transport that misbehaves as a test says.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the writing direction does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Gate {
    #[default]
    Open,
    /// Accepts nothing; whoever waits is woken when it opens.
    Shut,
    Broken(ErrorKind),
}

#[derive(Debug, Default)]
pub struct Script {
    pub writes: Gate,
    pub reads: Gate,
    /// Bytes that are still accepted before the writing direction shuts.
    pub room: Option<usize>,
    /// The most bytes that move at once.
    pub chunk: Option<usize>,
    /// Is not ready at a third of the calls.
    pub moody: Option<ChaCha12Rng>,
    /// Bytes that were accepted and not flushed.
    pub unflushed: usize,
    pub writes_seen: usize,
    pub shutdowns: usize,
    waiting: Vec<Waker>,
}

impl Script {
    pub fn open(&mut self) {
        self.writes = Gate::Open;
        self.reads = Gate::Open;
        self.room = None;
        self.waiting.drain(..).for_each(Waker::wake);
    }

    fn is_moody(&mut self, context: &Context<'_>) -> bool {
        let moody = self.moody.as_mut().is_some_and(|rng| rng.next_u32() % 3 == 0);
        if moody {
            context.waker().wake_by_ref();
        }
        moody
    }

    fn most(&mut self, length: usize) -> usize {
        let most = length.min(self.chunk.unwrap_or(usize::MAX));
        match &mut self.moody {
            Some(rng) if most > 0 => 1 + rng.next_u32() as usize % most,
            _ => most,
        }
    }
}

/// Like a socket, it keeps one waker for each direction: that of the latest call.
#[derive(Debug)]
pub struct Rough<S> {
    pub inner: S,
    script: Arc<Mutex<Script>>,
}

impl<S> Rough<S> {
    pub fn new(inner: S) -> (Self, Handle) {
        let script = Arc::new(Mutex::new(Script::default()));
        let handle = Handle(script.clone());
        (Self { inner, script }, handle)
    }
}

/// Changes the script of a transport that a stream has.
#[derive(Clone)]
pub struct Handle(Arc<Mutex<Script>>);

impl Handle {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rough<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut script = this.script.lock().unwrap();
        match script.reads {
            Gate::Open => {}
            Gate::Shut => {
                script.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            Gate::Broken(kind) => return Poll::Ready(Err(kind.into())),
        }
        if script.is_moody(context) {
            return Poll::Pending;
        }
        let most = script.most(out.remaining());
        drop(script);
        let mut part = out.take(most);
        let result = Pin::new(&mut this.inner).poll_read(context, &mut part);
        let count = part.filled().len();
        let initialized = part.initialized().len();
        assert!(count <= initialized);
        // The memory is initialized: a stream reads into its own buffer.
        out.initialize_unfilled_to(count);
        out.advance(count);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rough<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut script = this.script.lock().unwrap();
        script.writes_seen += 1;
        if script.room == Some(0) {
            script.writes = Gate::Shut;
        }
        match script.writes {
            Gate::Open => {}
            Gate::Shut => {
                script.waiting.clear();
                script.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            Gate::Broken(kind) => return Poll::Ready(Err(kind.into())),
        }
        if script.is_moody(context) {
            return Poll::Pending;
        }
        let most = script.most(data.len()).min(script.room.unwrap_or(usize::MAX));
        let result = Pin::new(&mut this.inner).poll_write(context, &data[..most]);
        if let Poll::Ready(Ok(count)) = result {
            script.unflushed += count;
            if let Some(room) = &mut script.room {
                *room -= count;
            }
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut script = this.script.lock().unwrap();
        if script.is_moody(context) {
            return Poll::Pending;
        }
        if let Gate::Broken(kind) = script.writes {
            return Poll::Ready(Err(kind.into()));
        }
        script.unflushed = 0;
        Pin::new(&mut this.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut script = this.script.lock().unwrap();
        if script.is_moody(context) {
            return Poll::Pending;
        }
        script.shutdowns += 1;
        Pin::new(&mut this.inner).poll_shutdown(context)
    }
}
