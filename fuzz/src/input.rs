//! The fuzzer's choices: the connection, the bytes, and the pieces in which they arrive.

use crate::recording::Record;
use crate::setting::Setting;
use arbitrary::Arbitrary;

/// How many bytes of content edits may make of a recording, so that repeating and joining end.
const MAX_CONTENT: usize = 32 * 1024;

/// One run of a target.
#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    pub(crate) setting: Setting,
    /// Lengths of the pieces that the bytes come in, over and over; 0 stands for all the rest.
    pub(crate) pieces: [u8; 4],
    bytes: Bytes<'a>,
}

#[derive(Arbitrary, Debug)]
enum Bytes<'a> {
    Raw(&'a [u8]),
    Edited(Vec<Edit<'a>>),
}

/// One change of the recorded records. Numbers of records and positions in them wrap, so that every
/// change hits something.
#[derive(Arbitrary, Debug)]
enum Edit<'a> {
    Set {
        record: u8,
        at: u16,
        byte: u8,
    },
    Insert {
        record: u8,
        at: u16,
        bytes: &'a [u8],
    },
    Remove {
        record: u8,
        at: u16,
        length: u16,
    },
    SetType {
        record: u8,
        typ: u8,
    },
    SetVersion {
        record: u8,
        version: u16,
    },
    Add {
        before: u8,
        typ: u8,
        content: &'a [u8],
    },
    Drop {
        record: u8,
    },
    Repeat {
        record: u8,
    },
    Swap {
        one: u8,
        other: u8,
    },
    Split {
        record: u8,
        at: u16,
    },
    JoinWithNext {
        record: u8,
    },
}

impl Input<'_> {
    /// The bytes to feed, where `recorded` is what a real peer sends.
    pub(crate) fn bytes(&self, recorded: &[Record]) -> Vec<u8> {
        match &self.bytes {
            Bytes::Raw(bytes) => bytes.to_vec(),
            Bytes::Edited(edits) => {
                let mut records = recorded.to_vec();
                for edit in edits {
                    let content: usize = records.iter().map(|record| record.content.len()).sum();
                    if records.is_empty() || content > MAX_CONTENT {
                        break;
                    }
                    edit.apply(&mut records);
                }
                Record::join(&records)
            }
        }
    }
}

impl Edit<'_> {
    fn apply(&self, records: &mut Vec<Record>) {
        let count = records.len();
        let index = |number: &u8| usize::from(*number) % count;
        let position = |record: &Record, at: &u16| usize::from(*at) % (record.content.len() + 1);
        match self {
            Self::Set { record, at, byte } => {
                let record = &mut records[index(record)];
                let at = position(record, at);
                if let Some(there) = record.content.get_mut(at) {
                    *there = *byte;
                }
            }
            Self::Insert { record, at, bytes } => {
                let record = &mut records[index(record)];
                let at = position(record, at);
                record.content.splice(at..at, bytes.iter().copied());
            }
            Self::Remove { record, at, length } => {
                let record = &mut records[index(record)];
                let start = position(record, at);
                let end = record.content.len().min(start + usize::from(*length));
                record.content.drain(start..end);
            }
            Self::SetType { record, typ } => records[index(record)].typ = *typ,
            Self::SetVersion { record, version } => records[index(record)].version = *version,
            Self::Add {
                before,
                typ,
                content,
            } => {
                let record = Record {
                    typ: *typ,
                    version: 0x0303,
                    content: content.to_vec(),
                };
                records.insert(index(before), record);
            }
            Self::Drop { record } => {
                records.remove(index(record));
            }
            Self::Repeat { record } => {
                let record = index(record);
                records.insert(record, records[record].clone());
            }
            Self::Swap { one, other } => records.swap(index(one), index(other)),
            Self::Split { record, at } => {
                let number = index(record);
                let first = &mut records[number];
                let second = Record {
                    content: first.content.split_off(position(first, at)),
                    ..*first
                };
                records.insert(number + 1, second);
            }
            Self::JoinWithNext { record } => {
                let record = index(record);
                if record + 1 < count {
                    let next = records.remove(record + 1);
                    records[record].content.extend(next.content);
                }
            }
        }
    }
}
