//! Where a client and a server meet again and again: what outlives their connections and their
//! configurations.

use crate::forger::LastKey;
use crate::wire::said;
use crate::{Pair, certified, client_builder, pair, pki, rng, server_builder_with};
use premaster::pki_types::UnixTime;
use premaster::session::{NotResumed, Resumption, TicketKey, TicketKeySet};
use premaster::{ClientConfigBuilder, MemoryStore, ServerConfigBuilder, Tickets};
use rand_chacha::ChaCha12Rng;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the client says of a handshake, and what the server says.
pub type Outcome = (Resumption, Resumption);

pub const BY_ID: Outcome = (Resumption::SessionId, Resumption::SessionId);
pub const BY_TICKET: Outcome = (Resumption::Ticket, Resumption::Ticket);
pub const NOTHING_OFFERED: Outcome = withheld(NotResumed::NothingOffered);

/// The client offers no session, for this reason.
pub const fn withheld(reason: NotResumed) -> Outcome {
    let nothing = Resumption::Full(NotResumed::NothingOffered);
    (Resumption::Full(reason), nothing)
}

/// The server does not resume what the client offers, for this reason, and does not tell.
pub const fn declined(reason: NotResumed) -> Outcome {
    let declined = Resumption::Full(NotResumed::Declined);
    (declined, Resumption::Full(reason))
}

/// What both sides of an established pair say.
#[track_caller]
pub fn outcome(pair: &Pair) -> Outcome {
    let [client, server] =
        [&pair.client, &pair.server].map(|end| end.connection.session().unwrap().resumption());
    (client, server)
}

/// A handshake between two configurations.
#[track_caller]
pub fn meet(client: ClientConfigBuilder, server: ServerConfigBuilder) -> Outcome {
    outcome(&pair(client, server).established())
}

/// Delivers what the client has to say, and gives back what the server answers.
#[track_caller]
pub fn answer(pair: &mut Pair) -> Vec<Vec<u8>> {
    let said_by_client = said(&mut pair.client).concat();
    pair.server.take(&said_by_client).unwrap();
    said(&mut pair.server)
}

/// A time that passes when a test says so.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(pki::NOW)))
    }

    pub fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn time(&self) -> impl Fn() -> UnixTime + Send + Sync + 'static {
        let clock = self.clone();
        move || UnixTime::since_unix_epoch(Duration::from_secs(clock.0.load(Ordering::Relaxed)))
    }
}

/// A ticket key that is all of this byte.
pub fn ticket_key(byte: u8) -> TicketKey {
    TicketKey::from_bytes(&[byte; 48])
}

/// The stores, clocks, key logs and ticket keys that every configuration of a test shares. Each
/// has its own randomness: two of the same would give out the same session IDs.
pub struct Scene {
    pub client_store: Arc<MemoryStore>,
    pub server_store: Arc<MemoryStore>,
    pub client_clock: Clock,
    pub server_clock: Clock,
    pub client_keys: Arc<LastKey>,
    pub server_keys: Arc<LastKey>,
    pub tickets: Option<Arc<Tickets>>,
    /// What it is like when a session is resumed here.
    pub resumed: Outcome,
    configurations: Cell<u64>,
}

impl Scene {
    /// The server keeps its sessions itself.
    pub fn by_id() -> Self {
        Self::new(None, BY_ID)
    }

    /// The server gives out tickets, all sealed with one key.
    pub fn by_ticket() -> Self {
        let tickets = Tickets::shared(TicketKeySet::new(ticket_key(1)));
        Self::new(Some(Arc::new(tickets)), BY_TICKET)
    }

    pub fn both() -> [Self; 2] {
        [Self::by_id(), Self::by_ticket()]
    }

    fn new(tickets: Option<Arc<Tickets>>, resumed: Outcome) -> Self {
        Self {
            client_store: Arc::new(MemoryStore::new(8)),
            server_store: Arc::new(MemoryStore::new(8)),
            client_clock: Clock::new(),
            server_clock: Clock::new(),
            client_keys: Arc::default(),
            server_keys: Arc::default(),
            tickets,
            resumed,
            configurations: Cell::new(0),
        }
    }

    pub fn client(&self) -> ClientConfigBuilder {
        self.client_from(client_builder())
    }

    pub fn client_from(&self, builder: ClientConfigBuilder) -> ClientConfigBuilder {
        builder
            .session_store(Some(self.client_store.clone()))
            .time_provider(self.client_clock.time())
            .key_log(self.client_keys.clone())
            .rng(self.random())
    }

    pub fn server(&self) -> ServerConfigBuilder {
        self.server_from(server_builder_with(certified(2048)))
    }

    pub fn server_from(&self, builder: ServerConfigBuilder) -> ServerConfigBuilder {
        builder
            .session_store(Some(self.server_store.clone()))
            .tickets(self.tickets.clone())
            .time_provider(self.server_clock.time())
            .key_log(self.server_keys.clone())
            .rng(self.random())
    }

    /// A client and a server that nothing was changed about, the ClientHello made.
    #[track_caller]
    pub fn pair(&self) -> Pair {
        pair(self.client(), self.server())
    }

    /// A handshake between them.
    #[track_caller]
    pub fn meet(&self) -> Outcome {
        outcome(&self.pair().established())
    }

    /// Time passes for both sides.
    pub fn pass(&self, seconds: u64) {
        self.client_clock.pass(seconds);
        self.server_clock.pass(seconds);
    }

    fn random(&self) -> ChaCha12Rng {
        let number = self.configurations.get() + 1;
        self.configurations.set(number);
        rng(number)
    }
}
