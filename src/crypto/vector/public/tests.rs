//! Arithmetic modulo n against `crypto-bigint`.

use super::*;
