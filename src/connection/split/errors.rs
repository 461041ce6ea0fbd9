//! What cannot be split or reunited is given back.

use crate::error::Error;
use core::fmt;

/// Something that cannot be split now, and why. It is unchanged.
pub struct SplitError<T> {
    /// What was to be split.
    pub whole: Box<T>,
    /// The reason.
    pub error: Error,
}

impl<T> SplitError<T> {
    pub(crate) fn new(whole: T, error: Error) -> Self {
        Self {
            whole: Box::new(whole),
            error,
        }
    }
}

/// Shows the reason only.
impl<T> fmt::Debug for SplitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SplitError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SplitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection cannot be split: {}", self.error)
    }
}

impl<T> core::error::Error for SplitError<T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A sender and a receiver that do not belong to one connection. Both are unchanged.
pub struct ReuniteError<S, R> {
    /// The half that sends.
    pub sender: Box<S>,
    /// The half that receives.
    pub receiver: Box<R>,
}

impl<S, R> ReuniteError<S, R> {
    pub(crate) fn new(sender: S, receiver: R) -> Self {
        Self {
            sender: Box::new(sender),
            receiver: Box::new(receiver),
        }
    }
}

impl<S, R> fmt::Debug for ReuniteError<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError").finish_non_exhaustive()
    }
}

impl<S, R> fmt::Display for ReuniteError<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender and the receiver belong to different connections")
    }
}

impl<S, R> core::error::Error for ReuniteError<S, R> {}
