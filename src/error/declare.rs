//! The macro that declares a family of errors, as a table with one row for each variant.
//!
//! ```text
//! errors! {
//!     /// What the family is about.
//!     #[derive(Clone, Copy, Debug, PartialEq, Eq)]
//!     pub enum Family {
//!         /// What happened.
//!         #[error("what the user reads, with {field}")]
//!         #[alert(WHAT_THE_PEER_RECEIVES)]
//!         #[setting(ServerConfigBuilder::suites)]
//!         Variant {
//!             /// What the field is.
//!             field: Type,
//!         },
//!     }
//! }
//! ```
//!
//! The result is an ordinary enum, whose texts come from `thiserror`. In addition a row has:
//!
//! - `alert`, in all rows of a family or in none: the alert that is sent to the peer.
//! - `setting`, optional: the method that would accept what the peer sent. A method without the name
//!   of its type is one of both builders.
//! - `waiver`, optional: the waiver that would accept the certificate. Of several with conditions,
//!   the first whose condition holds counts: `#[waiver(A if *field, else B)]`.
//!
//! For tests the family can make one value of each variant, so that the tables of the tests are
//! complete. A setting that does not exist is a compile error.

macro_rules! errors {
    (
        $(#[doc = $doc:literal])*
        #[derive($($derive:ident),+)]
        pub enum $family:ident {
            $(
                $(#[doc = $variant_doc:literal])*
                #[error($($words:tt)+)]
                $(#[alert($alert:ident)])?
                $(#[setting($($setting:tt)+)])?
                $(#[waiver($($waiver:tt)+)])?
                $variant:ident
                $({ $($(#[doc = $field_doc:literal])* $field:ident: $type:ty),+ $(,)? })?
                $(($content:ty))?
            ),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive($($derive,)+ thiserror::Error)]
        #[non_exhaustive]
        pub enum $family {
            $(
                $(#[doc = $variant_doc])*
                #[error($($words)+)]
                $variant
                $({ $($(#[doc = $field_doc])* $field: $type),+ })?
                $(($content))?,
            )+
        }

        errors!(@alerts $family $($variant [$($alert)?])+);
        errors!(@settings $family $($variant [$($($setting)+)?])+);
        errors!(@waivers $family $($variant { $($($field),+)? } [$($($waiver)+)?])+);

        #[cfg(test)]
        impl $crate::error::tests::Samples for $family {
            fn samples() -> Vec<(&'static str, Self)> {
                vec![$((
                    concat!(stringify!($family), "::", stringify!($variant)),
                    Self::$variant
                        $({ $($field: <$type as $crate::error::tests::Sample>::sample()),+ })?
                        $((<$content as $crate::error::tests::Sample>::sample()))?,
                )),+]
            }
        }
    };

    (@alerts $family:ident $($variant:ident [])+) => {};
    (@alerts $family:ident $($variant:ident [$alert:ident])+) => {
        impl $family {
            pub(super) fn alert(&self) -> $crate::enums::AlertDescription {
                match self {
                    $(Self::$variant { .. } => $crate::enums::AlertDescription::$alert,)+
                }
            }
        }
    };

    (@settings $family:ident $($variant:ident [])+) => {};
    (@settings $family:ident $($variant:ident [$($setting:tt)*])+) => {
        impl $family {
            /// Returns the configuration method that would accept what the peer sent, if there is
            /// one. A name without a type is a method of both builders.
            #[must_use]
            pub fn setting(&self) -> Option<&'static str> {
                match self {
                    $(Self::$variant { .. } => errors!(@setting $($setting)*),)+
                }
            }
        }

        #[cfg(test)]
        mod settings {
            #[allow(unused_imports, reason = "each family names some of them")]
            use crate::{
                config::{CertificateSet, ClientConfigBuilder, ServerConfigBuilder},
                verify::Crls,
            };

            #[test]
            fn all_exist() {
                $(errors!(@exists $($setting)*);)+
            }
        }
    };
    (@setting) => { None };
    (@setting $method:ident) => { Some(stringify!($method)) };
    (@setting $owner:ident::$method:ident) => {
        Some(concat!(stringify!($owner), "::", stringify!($method)))
    };
    (@exists) => {};
    (@exists $method:ident) => {
        let _ = (ClientConfigBuilder::$method, ServerConfigBuilder::$method);
    };
    (@exists $owner:ident::$method:ident) => {
        let _ = $owner::$method;
    };

    (@waivers $family:ident $($variant:ident { $($field:ident),* } [])+) => {};
    (@waivers $family:ident $($variant:ident { $($field:ident),* } [$($waiver:tt)*])+) => {
        impl $family {
            #[allow(unused_variables, reason = "most conditions look at no field")]
            pub(super) fn waiver(&self) -> Option<Waiver> {
                match self {
                    $(Self::$variant { $($field,)* .. } => errors!(@waiver $($waiver)*),)+
                }
            }
        }
    };
    (@waiver) => { None };
    (@waiver $waiver:ident) => { Some(Waiver::$waiver) };
    (@waiver $waiver:ident if $condition:expr) => { ($condition).then_some(Waiver::$waiver) };
    (@waiver $waiver:ident if $condition:expr, else $($others:tt)+) => {
        if $condition { Some(Waiver::$waiver) } else { errors!(@waiver $($others)+) }
    };
}
