//! The inputs that the corpora start with.

use crate::cbc::CbcRecord;
use crate::chains::examples;
use crate::endpoint::Role;
use crate::recording::{Record, Recording};
use crate::sealed::Sealed;
use crate::setting::{Earlier, ExtendedMasterSecret, Keeping, Limits, Setting, Suite, variant};

/// One input of a target.
pub struct Seed {
    pub target: &'static str,
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Seed {
    fn new(target: &'static str, name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self {
            target,
            name: name.into(),
            bytes,
        }
    }
}

const ROLES: [(Role, &str); 2] = [(Role::Client, "client"), (Role::Server, "server")];

/// As many extensions and messages as one connection can have.
fn everything() -> Setting {
    Setting {
        keeping: Keeping::Tickets,
        limits: Limits::Records,
        mutual: true,
        alpn: true,
        ocsp: true,
        grease: true,
        ..Setting::default()
    }
}

/// The recorded connections that a target for connections starts with.
fn settings() -> [(&'static str, Setting); 14] {
    let plain = Setting::default();
    let by_ticket = Setting {
        keeping: Keeping::Tickets,
        ..plain
    };
    let earlier = |setting, earlier| Setting { earlier, ..setting };
    [
        ("plain", plain),
        (
            "mutual",
            Setting {
                mutual: true,
                ..plain
            },
        ),
        ("everything", everything()),
        ("session-id", earlier(plain, Earlier::Kept)),
        ("session-id-lost", earlier(plain, Earlier::LostByServer)),
        ("ticket", earlier(by_ticket, Earlier::Kept)),
        (
            "ticket-renewed",
            earlier(by_ticket, Earlier::KeptWithNewTicketKey),
        ),
        ("ticket-lost", earlier(by_ticket, Earlier::LostByServer)),
        (
            "everything-resumed",
            earlier(everything(), Earlier::KeptWithNewTicketKey),
        ),
        (
            "ccm",
            Setting {
                suite: Suite::Aes256Ccm,
                ..plain
            },
        ),
        (
            "ccm-8-ticket",
            Setting {
                suite: Suite::Aes128Ccm8,
                ..earlier(by_ticket, Earlier::Kept)
            },
        ),
        (
            "cbc-encrypt-then-mac",
            Setting {
                suite: Suite::Aes256CbcSha256,
                ..earlier(plain, Earlier::Kept)
            },
        ),
        (
            "cbc-mac-then-encrypt",
            Setting {
                suite: Suite::Aes128CbcSha,
                mac_then_encrypt: true,
                ..plain
            },
        ),
        (
            "classic-session-id",
            Setting {
                earlier: Earlier::Kept,
                extended_master_secret: ExtendedMasterSecret::Off,
                limits: Limits::Fragments,
                ..plain
            },
        ),
    ]
}

/// The seeds of all targets.
pub fn seeds() -> Vec<Seed> {
    let targets = [
        connections(),
        messages(),
        sessions(),
        tickets(),
        chains(),
        sealed(),
        cbc_records(),
        batches(),
        renegotiations(),
    ];
    targets.into_iter().flatten().collect()
}

/// Each recorded connection as raw bytes and as an empty list of edits.
fn connections() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, setting) in settings() {
        for (role, target) in ROLES {
            let records = Recording::of(setting).sent_to(role);
            let start = [&setting.encode()[..], &PIECES].concat();
            let raw = [&start[..], &variant(0, 2), &Record::join(&records)].concat();
            seeds.push(Seed::new(target, format!("{name}-raw"), raw));
            let edited = [&start[..], &variant(1, 2)].concat();
            seeds.push(Seed::new(target, format!("{name}-edited"), edited));
        }
    }
    seeds
}

/// Everything at once.
const PIECES: [u8; 4] = [0; 4];

/// The messages of a full handshake and of a resumed one, without their length, and an alert.
fn messages() -> Vec<Seed> {
    let full = everything();
    let resumed = Setting {
        earlier: Earlier::KeptWithNewTicketKey,
        ..full
    };
    let mut seeds = vec![Seed::new("message", "alert", vec![0xff, 2, 40])];
    for (kind, setting) in [("full", full), ("resumed", resumed)] {
        for (receiver, name) in ROLES {
            for message in Recording::of(setting).messages_to(receiver) {
                let input = [&message[..1], &message[4..]].concat();
                let name = format!("{kind}-to-{name}-{:02}", message[0]);
                seeds.push(Seed::new("message", name, input));
            }
        }
    }
    seeds
}

/// The sessions that both sides store, with and without a certificate in them.
fn sessions() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for keeping in [Keeping::SessionIds, Keeping::Tickets] {
        for (side, mutual) in [("plain", false), ("mutual", true)] {
            let recording = Recording::of(Setting {
                keeping,
                earlier: Earlier::Kept,
                mutual,
                ..Setting::default()
            });
            for (role, name) in ROLES {
                if let Some(session) = recording.session(role) {
                    let name = format!("{name}-{side}-{keeping:?}").to_lowercase();
                    seeds.push(Seed::new("session", name, session));
                }
            }
        }
    }
    seeds
}

/// The recorded tickets, each as it is and under the names of other keys.
fn tickets() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (number, ticket) in recorded_tickets().into_iter().enumerate() {
        for name in 1..=3 {
            let renamed = [&[name; 16], &ticket[16..]].concat();
            seeds.push(Seed::new("ticket", format!("{number}-key-{name}"), renamed));
        }
    }
    seeds
}

/// Chains to be verified.
fn chains() -> Vec<Seed> {
    let examples = examples().into_iter();
    examples
        .map(|example| Seed::new("verify", example.name.as_str(), example.encode()))
        .collect()
}

/// Batches of one to nine ciphertexts in every form, and one for each longer key.
fn batches() -> Vec<Seed> {
    let ciphertext = |form: u8| [form, 255, form, 0, 255, 7, 1, 0, 9];
    let batch = |key: u8, count: u8| {
        let ciphertexts = (0..count).flat_map(ciphertext);
        [key].into_iter().chain(ciphertexts).collect::<Vec<u8>>()
    };
    let sizes = (1..=9).map(|count| Seed::new("rsa", format!("batch-of-{count}"), batch(0, count)));
    let keys = (13..=15).map(|key| Seed::new("rsa", format!("key-{key}"), batch(key, 1)));
    sizes.chain(keys).collect()
}

/// Renegotiations that complete, with and without a certificate, one that must not, and data between.
fn renegotiations() -> Vec<Seed> {
    let data = &[7, 4, 1, 2, 3, 4][..];
    let seeds = [
        ("plain", [&[0, 1, 4][..], data].concat()),
        ("certificate", [&[0, 2, 4][..], data].concat()),
        ("twice", vec![0, 2, 4, 0, 1, 4]),
        ("data-between", [&[0][..], data, &[1], data, &[4]].concat()),
        ("other-connection", vec![0, 3]),
        ("requests", vec![0, 0, 0, 0, 0]),
        ("unasked", vec![1]),
        ("after-the-flight", vec![0, 1, 1, 1, 4]),
        ("early-change", vec![0, 1, 8, 1, 1, 4]),
    ];
    let seeds = seeds.into_iter();
    seeds.map(|(name, steps)| Seed::new("renegotiation", name, steps)).collect()
}

/// Texts of AES-GCM at the edges of its turns, with both key sizes.
fn sealed() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for length in [0, 1, 16, 100, 255, 256, 257, 1000] {
        for key in [&[0x55; 16][..], &[0x66; 32]] {
            let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let sealed = Sealed {
                key,
                nonce: [0x77; 12],
                additional_data: &[0x88; 13],
                text: &text,
            };
            let name = format!("{}-{length}", 8 * key.len());
            seeds.push(Seed::new("gcm", name, sealed.encode()));
        }
    }
    seeds
}

/// Records of every CBC suite in both orders of MAC: sound ones with paddings of all sizes, and one of
/// each flaw.
fn cbc_records() -> Vec<Seed> {
    let text: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let in_text = |from_end: u8| [0, from_end, 1];
    let in_fragment = |from_end: u8| [0x80, from_end, 1];
    let mut seeds = Vec::new();
    for suite in 0..4 {
        for (order, encrypt_then_mac) in [("mac-first", false), ("mac-last", true)] {
            let in_mac = [if encrypt_then_mac {
                in_fragment(0)
            } else {
                in_text(18)
            }];
            for (name, padding, flaws, length) in [
                ("empty", 0, &[][..], 0),
                ("short", 0, &[], 64),
                ("long", 0, &[], 1000),
                ("padded", 255, &[], 100),
                ("wrong-length-byte", 100, &[in_text(0)], 100),
                ("wrong-padding", 100, &[in_text(50)], 100),
                ("wrong-mac", 1, &in_mac, 100),
                ("wrong-fragment", 1, &[in_fragment(3)], 100),
                ("two-flaws", 200, &[in_text(1), in_fragment(200)], 300),
            ] {
                let record = CbcRecord {
                    suite,
                    encrypt_then_mac,
                    is_fragment: false,
                    padding,
                    flaws,
                    bytes: &text[..length],
                };
                seeds.push(Seed::new(
                    "cbc",
                    format!("{suite}-{order}-{name}"),
                    record.encode(),
                ));
            }
            let record = CbcRecord {
                suite,
                encrypt_then_mac,
                is_fragment: true,
                padding: 0,
                flaws: &[],
                bytes: &text[..96],
            };
            seeds.push(Seed::new(
                "cbc",
                format!("{suite}-{order}-fragment"),
                record.encode(),
            ));
        }
    }
    seeds
}

/// Two tickets, the second one sealed with another key. [`tickets`](crate::tickets) opens both.
pub fn recorded_tickets() -> [Vec<u8>; 2] {
    [Earlier::None, Earlier::KeptWithNewTicketKey].map(|earlier| {
        let recording = Recording::of(Setting {
            keeping: Keeping::Tickets,
            earlier,
            ..Setting::default()
        });
        recording.ticket().unwrap()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, run};
    use arbitrary::{Arbitrary, Unstructured};
    use premaster::session::{NotResumed, Resumption};
    use std::collections::HashSet;
    use std::path::PathBuf;

    /// How a connection of this role establishes its keys.
    fn expected(role: Role, setting: Setting) -> Resumption {
        match (setting.keeping, setting.earlier, role) {
            (Keeping::Nothing, _, _) | (_, Earlier::None, _) => {
                Resumption::Full(NotResumed::NothingOffered)
            }
            (_, Earlier::LostByServer, Role::Client) => Resumption::Full(NotResumed::Declined),
            (_, Earlier::LostByServer, Role::Server) => Resumption::Full(NotResumed::Unknown),
            (Keeping::SessionIds, _, _) => Resumption::SessionId,
            (Keeping::Tickets, _, _) => Resumption::Ticket,
        }
    }

    /// All that the fuzzer can choose with the default offer; and each suite that must be named, with
    /// both orders of MAC and every way to keep a session.
    fn all_settings() -> impl Iterator<Item = Setting> {
        let default_offer = (0..3 * 4 * 3 * 3 * 16).map(|number: u32| {
            let flags = [1, 2, 4, 8, 16].map(|bit| u8::from((number % 16) & bit != 0));
            chosen(number / 16, 0, flags)
        });
        let named = (0..3 * 4 * 8 * 2).map(|number: u32| {
            let flags = [0, 0, 0, 0, u8::from(number.is_multiple_of(2))];
            chosen(number / 16, 1 + number / 2 % 8, flags)
        });
        default_offer.chain(named)
    }

    fn chosen(choices: u32, suite: u32, flags: [u8; 5]) -> Setting {
        let input = [
            variant(choices % 3, 3),
            variant(choices / 3 % 4, 4),
            variant(choices / 12 % 3, 3),
            variant(choices / 36, 3),
            variant(suite, 9),
        ];
        let input = [&input.concat()[..], &flags].concat();
        Setting::arbitrary(&mut Unstructured::new(&input)).unwrap()
    }

    #[test]
    fn every_setting_completes_and_resumes_what_was_kept() {
        let settings: HashSet<_> = all_settings().collect();
        assert_eq!(settings.len(), all_settings().count());
        for setting in settings {
            for (role, _) in ROLES {
                let resumption = Recording::of(setting).resumption(role);
                assert_eq!(resumption, expected(role, setting), "{setting:?}");
            }
        }
    }

    #[test]
    fn every_seed_of_a_connection_chooses_its_setting_and_completes() {
        let seeds = connections();
        for (name, setting) in settings() {
            for (role, target) in ROLES {
                for form in ["raw", "edited"] {
                    let name = format!("{name}-{form}");
                    let is_it = |seed: &&Seed| (seed.target, &seed.name) == (target, &name);
                    let bytes = &seeds.iter().find(is_it).unwrap().bytes;
                    let input = Input::arbitrary_take_rest(Unstructured::new(bytes)).unwrap();
                    assert_eq!(input.setting, setting, "{name}");
                    assert_eq!(run(role, &input), Some(expected(role, setting)), "{name}");
                }
            }
        }
    }

    #[test]
    fn every_sealed_text_decodes() {
        for seed in sealed() {
            assert_eq!(Sealed::decode(&seed.bytes).unwrap().encode(), seed.bytes);
        }
    }

    #[test]
    fn every_record_of_cbc_decodes_and_is_sound_unless_it_has_a_flaw() {
        for seed in cbc_records() {
            let record = CbcRecord::decode(&seed.bytes).unwrap();
            assert_eq!(record.encode(), seed.bytes);
            let is_sound = record.flaws.is_empty() && !record.is_fragment;
            assert_eq!(record.check(), is_sound, "{}", seed.name);
        }
    }

    /// `cargo run --example seeds` makes them so.
    #[test]
    fn the_corpora_in_the_tree_are_the_seeds() {
        let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let mut files = 0;
        for target in std::fs::read_dir(&corpus).unwrap() {
            files += std::fs::read_dir(target.unwrap().path()).unwrap().count();
        }
        let seeds = seeds();
        assert_eq!(files, seeds.len());
        for seed in seeds {
            let file = corpus.join(seed.target).join(&seed.name);
            assert_eq!(std::fs::read(file).unwrap(), seed.bytes, "{}", seed.name);
        }
    }
}
