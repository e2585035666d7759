//! A connection that can be broken off on demand.
//!
//! The handler of a request holds the connection's [`Scissors`]. What it asks
//! for is done when the server writes: the bytes that may still pass are
//! written, then writing fails, and the server gives the connection up. So
//! the client sees the same as with a crashed server or a cut cable.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Everything may pass.
const WHOLE: usize = usize::MAX;
/// Nothing may pass. Any number below is how many bytes of the answer's body
/// may.
const NOTHING: usize = usize::MAX - 1;

/// Breaks the connection off on which a request came.
#[derive(Clone, Debug)]
pub(super) struct Scissors(Arc<AtomicUsize>);

impl Scissors {
    /// Closes the connection in place of sending the answer.
    pub(super) fn hang_up(&self) {
        self.0.store(NOTHING, Ordering::Relaxed);
    }

    /// Sends the answer's head and this many bytes of its body, and closes
    /// the connection.
    pub(super) fn cut_after(&self, bytes_of_body: usize) {
        self.0
            .store(bytes_of_body.min(NOTHING - 1), Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Self {
        Self(Arc::clone(&stream.io().order))
    }
}

/// The listener on loopback.
#[derive(Debug)]
pub(super) struct Loopback(pub(super) TcpListener);

impl Listener for Loopback {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // Axum's own accept waits where the machine is out of file handles.
        let (stream, address) = Listener::accept(&mut self.0).await;
        // An answer is small and written at once: waiting for more bytes
        // would only add latency. Where it cannot be set, it is slower.
        drop(stream.set_nodelay(true));
        let connection = Connection {
            stream,
            order: Arc::new(AtomicUsize::new(WHOLE)),
            cut: None,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection with its scissors.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    order: Arc<AtomicUsize>,
    /// The cut under way.
    cut: Option<Cut>,
}

/// Where in an answer a connection is that is to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    /// How much of the empty line that ends the head has passed.
    end_of_head: usize,
    /// How many bytes of the body may still pass.
    left: usize,
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl Cut {
    fn new(left: usize) -> Self {
        Self {
            end_of_head: 0,
            left,
        }
    }

    /// Goes over `bytes` as far as they may pass. Returns how many may.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        for &byte in bytes {
            match END_OF_HEAD.get(self.end_of_head) {
                Some(&awaited) if awaited == byte => self.end_of_head += 1,
                Some(_) => self.end_of_head = usize::from(byte == b'\r'),
                None if self.left == 0 => break,
                None => self.left -= 1,
            }
            passed += 1;
        }
        passed
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let order = this.order.load(Ordering::Relaxed);
        if order == WHOLE || bytes.is_empty() {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        }
        if order == NOTHING {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let cut = this.cut.unwrap_or(Cut::new(order));
        let mut ahead = cut;
        let allowed = ahead.pass(bytes);
        if allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let allowed = bytes.get(..allowed).unwrap_or(bytes);
        let written = std::task::ready!(Pin::new(&mut this.stream).poll_write(context, allowed))?;
        // The system may accept less than it was given.
        let mut reached = cut;
        reached.pass(allowed.get(..written).unwrap_or(allowed));
        this.cut = Some(reached);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_passes_the_head_and_the_given_part_of_the_body_in_any_pieces(
            head in "[a-z\r\n]{0,20}",
            body in "[a-z\r\n]{0,20}",
            left in 0..30usize,
            piece in 1..10usize,
        ) {
            prop_assume!(!head.contains("\r\n\r\n") && !head.ends_with(['\r', '\n']));
            let answer = format!("{head}\r\n\r\n{body}");
            let mut cut = Cut::new(left);
            let mut passed = 0;
            for bytes in answer.as_bytes().chunks(piece) {
                let here = cut.pass(bytes);
                passed += here;
                if here < bytes.len() {
                    break;
                }
            }
            prop_assert_eq!(passed, head.len() + 4 + body.len().min(left));
        }
    }
}
