//! How the two sides of a connection are configured, and what they have of an earlier one.

use arbitrary::Arbitrary;

/// What the fuzzer chooses from. Both sides are set alike, so that unchanged bytes complete the
/// handshake whatever it chooses. The default is the configurations' own.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Setting {
    pub keeping: Keeping,
    pub earlier: Earlier,
    pub extended_master_secret: ExtendedMasterSecret,
    pub limits: Limits,
    pub suite: Suite,
    /// With a client certificate, and with every pause that there is.
    pub mutual: bool,
    pub alpn: bool,
    pub ocsp: bool,
    pub grease: bool,
    /// A CBC suite without encrypt-then-MAC.
    pub mac_then_encrypt: bool,
}

/// How many bytes choose a setting.
pub(crate) const ENCODED: usize = 5 * 4 + 5;

impl Setting {
    /// The bytes that make the fuzzer choose this setting.
    pub(crate) fn encode(self) -> [u8; ENCODED] {
        let input = [
            variant(self.keeping as u32, 3),
            variant(self.earlier as u32, 4),
            variant(self.extended_master_secret as u32, 3),
            variant(self.limits as u32, 3),
            variant(self.suite as u32, 9),
        ];
        let flags = [
            self.mutual,
            self.alpn,
            self.ocsp,
            self.grease,
            self.mac_then_encrypt,
        ];
        [&input.concat()[..], &flags.map(u8::from)].concat().try_into().unwrap()
    }
}

/// The bytes that choose one of an enum's variants: an equal share of all numbers stands for each.
pub(crate) fn variant(number: u32, of: u64) -> [u8; 4] {
    let first = (u64::from(number) << 32).div_ceil(of);
    u32::try_from(first).unwrap().to_le_bytes()
}

/// How sessions are kept.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Keeping {
    #[default]
    SessionIds,
    Tickets,
    /// Neither side has a store, nor the server ticket keys.
    Nothing,
}

/// What became of the session of an earlier connection.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Earlier {
    /// There was no earlier connection.
    #[default]
    None,
    Kept,
    /// The key of its ticket opens but does not seal any more, so the client gets another ticket.
    KeptWithNewTicketKey,
    /// The client offers it, and the server does not have it any more.
    LostByServer,
}

/// Both sides' policy.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExtendedMasterSecret {
    #[default]
    Optional,
    Required,
    Off,
}

/// What limits the length of records.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Limits {
    #[default]
    Protocol,
    /// max_fragment_length.
    Fragments,
    /// record_size_limit.
    Records,
}

/// The suite of both sides.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-GCM, as nobody names another.
    #[default]
    Gcm,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    Aes128CbcSha,
    Aes256CbcSha,
    Aes128CbcSha256,
    Aes256CbcSha256,
}
