//! Private operations of premaster's key, one at a time and several together, with blinding and the check
//! against faults.

use crate::certificates::{Credentials, KeyLength};
use crate::check::Requirement;
use crate::contender::{Contender, Taken};
use crate::peer::Peer;
use crate::report::Report;
use crate::rsa_operations::RsaCrate;
use crate::support::Side;
use crate::table::comparison;
use crate::turns::{Effort, in_turns};
use getrandom::SysRng;
use premaster::RsaKey;
use premaster::private_key::{PrivateKey, key_rng};

/// How many operations a call of the key has.
const SIZES: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// How much an operation in a batch may take beside a single one: as much, and the noise of a run.
const LIMIT: f64 = 1.02;

const EFFORT: Effort = Effort {
    rounds: 60,
    runs: 3,
    pieces: 1,
};

/// Measures every key length.
pub fn measure(report: &mut Report) {
    for length in KeyLength::ALL {
        let credentials = Credentials::new(length);
        let operations = SIZES.map(|size| -> Box<dyn Contender> {
            Box::new(Operations::new(&credentials, length, size))
        });
        let rsa_crate: Box<dyn Contender> = Box::new(RsaCrate::new(&credentials));
        let sides = in_turns(operations.into_iter().chain([rsa_crate]).collect(), EFFORT);
        let series = |index: usize| sides[index].of(Side::Server);
        for (index, size) in SIZES.into_iter().enumerate() {
            let work = match size {
                1 => format!("private operation, RSA {}", length.bits()),
                _ => format!(
                    "private operation, RSA {}, in batches of {size}",
                    length.bits()
                ),
            };
            let rsa_crate = series(SIZES.len());
            let row = comparison(&work, "server", series(index), |peer| {
                (peer == Peer::RustCrypto).then_some(rsa_crate)
            });
            report.rows.push(row);
            if size > 1 {
                let name = format!("{work}, of a single one's");
                let share = series(index).ratio_to(series(0));
                report.requirements.push(Requirement::ratio(name, share, LIMIT));
            }
        }
    }
}

/// Calls of a key with several ciphertexts. What the server took is its share of one.
struct Operations {
    key: RsaKey,
    ciphertexts: Vec<u8>,
    integers: Vec<u8>,
    size: u32,
}

impl Operations {
    fn new(credentials: &Credentials, length: KeyLength, size: usize) -> Self {
        let mut ciphertexts = vec![0x5a; size * length.bits() / 8];
        for (index, ciphertext) in ciphertexts.chunks_mut(length.bits() / 8).enumerate() {
            // Below the modulus, and each another.
            ciphertext[0] = 0;
            ciphertext[1] = index as u8;
        }
        Self {
            key: RsaKey::from_pem(credentials.key).unwrap(),
            integers: vec![0; ciphertexts.len()],
            ciphertexts,
            size: size as u32,
        }
    }
}

impl Contender for Operations {
    fn run(&mut self) -> Taken {
        let mut taken = Taken::default();
        let result = taken.by(Side::Server, || {
            self.key.decrypt(&self.ciphertexts, &mut self.integers, &mut key_rng(SysRng))
        });
        result.unwrap();
        taken.server /= self.size;
        taken
    }
}
