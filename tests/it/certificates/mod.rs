//! What a client makes of a server's certificate: chains that the tests make themselves, good and
//! bad in one way each, and what has to be said of every one of them.

mod caller;
mod clients;
mod diagnosis;
mod field;
mod good;
mod lists;
mod names;
mod old_devices;
mod peer_certificate;
mod pins;
mod refused;
mod revocation;
mod scene;
mod sessions;
#[cfg(feature = "ocsp")]
mod stapled;
mod waivers;
