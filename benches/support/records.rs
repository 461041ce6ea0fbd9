//! Records for the cipher alone.

/// Length of the tag behind a record's text.
pub const TAG: usize = 16;

/// Each record of a batch: its number, text and tag.
pub fn records(
    batch: &mut [u8],
    length: usize,
    first: u64,
) -> impl Iterator<Item = (u64, &mut [u8], &mut [u8; TAG])> {
    (first..).zip(batch.chunks_exact_mut(length + TAG)).map(|(number, record)| {
        let (text, tag) = record.split_last_chunk_mut().unwrap();
        (number, text, tag)
    })
}

/// As long as a record's, and different for each.
pub fn nonce_and_additional_data(number: u64) -> ([u8; 12], [u8; 13]) {
    let (mut nonce, mut additional_data) = ([7; 12], [9; 13]);
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    additional_data[..8].copy_from_slice(&number.to_be_bytes());
    (nonce, additional_data)
}
