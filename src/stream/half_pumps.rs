//! A pump in two halves, each with the buffers of its direction: what [`Pump`] is to a connection,
//! these are to the halves of one.

use super::buffers::{Incoming, Overrun, Queue};
use super::pump::{Parts, Pump, sent_at_once};
use crate::connection::{Connection, Event, MAX_RECORD_LENGTH, ReceiveHalf, SendHalf, SplitError};
use crate::error::{Error, LocalError};

/// What a receiver needs next, or has ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is no complete record left.
    NeedRead,
    /// There is application data.
    Data,
    /// The peer has closed its direction of the connection.
    Closed,
}

/// A receiver with its unread input and untaken data.
///
/// After each call that may fail, its driver sees if the [sender is due](Self::sender_is_due).
#[derive(Debug)]
pub(super) struct Inlet {
    receiver: ReceiveHalf,
    incoming: Incoming,
    plaintext: Queue,
}

/// A sender with its unwritten output.
#[derive(Debug)]
pub(super) struct Outlet {
    sender: SendHalf,
    outgoing: Queue,
    /// How many bytes of the output there are up to the end of the last application data.
    unwritten_data: usize,
    /// Whether the transport may hold back bytes that it accepted.
    unflushed: bool,
}

/// Splits a pump. One that cannot be split is given back, unchanged.
pub(super) fn split(pump: Pump) -> Result<(Inlet, Outlet), SplitError<Pump>> {
    let unflushed = pump.needs_write();
    let Parts {
        connection,
        received,
        plaintext,
        outgoing,
    } = pump.into_parts();
    match connection.split() {
        Ok((sender, receiver)) => {
            let outlet = Outlet {
                sender,
                // It may be data.
                unwritten_data: outgoing.len(),
                outgoing: Queue::from(outgoing),
                unflushed,
            };
            Ok((Inlet::new(receiver, &received, plaintext), outlet))
        }
        Err(refused) => {
            let parts = Parts {
                connection: *refused.whole,
                received,
                plaintext,
                outgoing,
            };
            Err(SplitError::new(Pump::from_parts(parts), refused.error))
        }
    }
}

/// Makes a pump of its halves. Those of different pumps are given back.
pub(super) fn reunite(inlet: Inlet, outlet: Outlet) -> Result<Pump, Box<(Inlet, Outlet)>> {
    let Inlet {
        receiver,
        incoming,
        plaintext,
    } = inlet;
    let Outlet {
        sender,
        mut outgoing,
        unwritten_data,
        unflushed,
    } = outlet;
    match Connection::reunite(sender, receiver, outgoing.end()) {
        Ok(connection) => {
            let parts = Parts {
                connection,
                received: incoming.into_unread(),
                plaintext: plaintext.into_rest(),
                outgoing: outgoing.into_rest(),
            };
            Ok(Pump::from_parts(parts))
        }
        Err(misfits) => {
            let inlet = Inlet {
                receiver: *misfits.receiver,
                incoming,
                plaintext,
            };
            let outlet = Outlet {
                sender: *misfits.sender,
                outgoing,
                unwritten_data,
                unflushed,
            };
            Err(Box::new((inlet, outlet)))
        }
    }
}

impl Inlet {
    fn new(mut receiver: ReceiveHalf, received: &[u8], plaintext: Vec<u8>) -> Self {
        // Every record fits.
        receiver.set_input_capacity(MAX_RECORD_LENGTH);
        Self {
            receiver,
            incoming: Incoming::new(received),
            plaintext: Queue::from(plaintext),
        }
    }

    pub(super) fn receiver(&self) -> &ReceiveHalf {
        &self.receiver
    }

    /// Returns true if the sender should be called.
    pub(super) fn sender_is_due(&self) -> bool {
        self.receiver.sender_is_due()
    }

    /// Reports one event of the input. Data is offered to `take` where it was decrypted, once the
    /// caller has taken all [earlier data](Self::plaintext); `take` returns how much it has taken, and
    /// the rest is kept.
    pub(super) fn receive_into(
        &mut self,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Result<Step, Error> {
        let received = self.receiver.receive(self.incoming.unread()?)?;
        let consumed = received.consumed;
        let step = match received.event {
            Event::ApplicationData(data) => {
                let rest = data.get(take(data)..);
                let rest = rest.ok_or(LocalError::Internal("more was taken than there was"))?;
                self.plaintext.end().extend_from_slice(rest);
                Step::Data
            }
            Event::PeerClosed => Step::Closed,
            Event::NeedData => Step::NeedRead,
            Event::HandshakeComplete | Event::Paused => {
                return Err(LocalError::Internal("half a connection made a handshake").into());
            }
        };
        self.incoming.consume(consumed);
        Ok(step)
    }

    /// Returns the buffer to read into; never empty after [`Step::NeedRead`].
    pub(super) fn room(&mut self) -> Result<&mut [u8], LocalError> {
        self.incoming.room()
    }

    /// Reports that this many bytes have been read into [`room`](Self::room).
    pub(super) fn read(&mut self, count: usize) -> Result<(), Overrun> {
        self.incoming.fill(count)
    }

    /// Reports that the transport has ended.
    pub(super) fn read_eof(&mut self) -> Result<(), Error> {
        self.receiver.receive_eof()
    }

    /// Returns the application data that the caller has not taken yet.
    pub(super) fn plaintext(&self) -> Result<&[u8], LocalError> {
        self.plaintext.rest()
    }

    /// Reports that the caller has taken this many bytes of [`plaintext`](Self::plaintext).
    pub(super) fn gave(&mut self, count: usize) -> Result<(), Overrun> {
        self.plaintext.take(count)
    }
}

impl Outlet {
    /// Encrypts the beginning of `data`, at most 64 KiB, and returns how much it accepted. Returns
    /// `None` and accepts nothing while earlier output is unwritten.
    pub(super) fn send(&mut self, data: &[u8]) -> Result<Option<usize>, Error> {
        self.send_with(|sender, outgoing| {
            let taken = sent_at_once(data);
            sender.send(taken, outgoing)?;
            Ok(taken.len())
        })
    }

    /// Does so with several pieces as if they were one.
    #[cfg(feature = "tokio")]
    pub(super) fn send_pieces<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<usize>, Error> {
        self.send_with(|sender, outgoing| {
            super::pump::send_pieces(pieces, |data| sender.send(data, outgoing))
        })
    }

    fn send_with(
        &mut self,
        send: impl FnOnce(&mut SendHalf, &mut Vec<u8>) -> Result<usize, Error>,
    ) -> Result<Option<usize>, Error> {
        if !self.outgoing.is_empty() {
            return Ok(None);
        }
        let accepted = send(&mut self.sender, self.outgoing.end())?;
        self.unwritten_data = self.outgoing.rest()?.len();
        Ok(Some(accepted))
    }

    /// Adds what the receiver has left for the sender to the output.
    pub(super) fn reply(&mut self) {
        self.sender.reply(self.outgoing.end());
    }

    /// Closes the sending direction.
    pub(super) fn close(&mut self) {
        self.sender.close(self.outgoing.end());
    }

    /// Returns the output that is to be written.
    pub(super) fn outgoing(&self) -> Result<&[u8], LocalError> {
        self.outgoing.rest()
    }

    /// Reports that this many bytes of [`outgoing`](Self::outgoing) have been written.
    pub(super) fn wrote(&mut self, count: usize) -> Result<(), Overrun> {
        self.unflushed = true;
        self.unwritten_data = self.unwritten_data.saturating_sub(count);
        self.outgoing.take(count)
    }

    /// Returns true if application data waits to be written.
    #[cfg(feature = "tokio")]
    pub(super) fn has_unwritten_data(&self) -> bool {
        self.unwritten_data > 0
    }

    /// Returns true if there is something to write or to flush.
    #[cfg(feature = "tokio")]
    pub(super) fn needs_write(&self) -> bool {
        self.unflushed || !self.outgoing.is_empty()
    }

    /// Reports that the transport has been flushed.
    pub(super) fn flushed(&mut self) {
        self.unflushed = false;
    }
}
