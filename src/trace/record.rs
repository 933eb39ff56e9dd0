//! Splits one record of CSV text into its values, within bounds.

use csv_core::{ReadRecordResult, Reader};

/// The most bytes of a record without its quotes.
const RECORD_LIMIT: usize = 1 << 20;
/// The most bytes of a value.
const FIELD_LIMIT: usize = 1 << 16;
/// The most values of a record.
const FIELDS_LIMIT: usize = 1000;
/// How many bytes and values of a record there is room for at first.
const USUAL: (usize, usize) = (1 << 10, 32);

/// Why a record cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    TooLong,
    TooManyFields,
    FieldTooLong,
    OpenQuote,
}

impl Fault {
    /// Says what is wrong, and what would be right.
    pub(super) fn message(self) -> String {
        match self {
            Fault::TooLong => format!("is longer than {RECORD_LIMIT} bytes; is this the right file?"),
            Fault::TooManyFields => format!("has more than {FIELDS_LIMIT} values; is this the right file?"),
            Fault::FieldTooLong => {
                format!("has a value of more than {FIELD_LIMIT} bytes; give a shorter one")
            }
            Fault::OpenQuote => "has a quoted value that never ends; close it with `\"`".to_owned(),
        }
    }
}

/// The values of one record. The room for them is used again for the next record.
pub(super) struct Record {
    text: Vec<u8>,
    /// Where each value ends in `text`.
    ends: Vec<usize>,
    fields: usize,
}

impl Default for Record {
    fn default() -> Record {
        Record { text: vec![0; USUAL.0], ends: vec![0; USUAL.1], fields: 0 }
    }
}

impl Record {
    /// Returns the number of values.
    pub(super) fn len(&self) -> usize {
        self.fields
    }

    /// Returns a value by its place, from 0.
    pub(super) fn field(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.text[start..self.ends[..self.fields][place]]
    }

    /// Returns the values in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.fields).map(|place| self.field(place))
    }
}

/// Splits records, each from its first byte.
pub(super) struct Splitter(Reader);

impl Default for Splitter {
    fn default() -> Splitter {
        Splitter(Reader::new())
    }
}

impl Splitter {
    /// Splits the record that `bytes` begin with, and returns how many of them it takes up.
    pub(super) fn split(&mut self, bytes: &[u8], record: &mut Record) -> Result<usize, Fault> {
        let reader = &mut self.0;
        reader.reset();
        // It takes a byte order mark off the first bytes that it reads; that of the file was taken
        // off before.
        reader.read_record(b"", &mut [], &mut []);
        let (mut read, mut written, mut fields) = (0, 0, 0);
        loop {
            let input = if read < bytes.len() { &bytes[read..] } else { b"\n" };
            let (room, ends) = (&mut record.text[written..], &mut record.ends[fields..]);
            let (result, took, wrote, ended) = reader.read_record(input, room, ends);
            let is_over = read == bytes.len();
            (read, written, fields) = (bytes.len().min(read + took), written + wrote, fields + ended);
            match result {
                ReadRecordResult::Record => break,
                // A quoted value that never ends takes in the line end that follows the last byte.
                ReadRecordResult::InputEmpty if is_over => return Err(Fault::OpenQuote),
                ReadRecordResult::OutputFull if written >= RECORD_LIMIT => return Err(Fault::TooLong),
                ReadRecordResult::OutputEndsFull if fields >= FIELDS_LIMIT => {
                    return Err(Fault::TooManyFields);
                }
                ReadRecordResult::OutputFull => record.text.resize(2 * record.text.len(), 0),
                ReadRecordResult::OutputEndsFull => record.ends.resize(2 * record.ends.len(), 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        record.fields = fields;
        let is_long = |field: &[u8]| field.len() > FIELD_LIMIT;
        if record.fields().any(is_long) { Err(Fault::FieldTooLong) } else { Ok(read) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &[u8]) -> Result<(usize, Vec<String>), Fault> {
        let mut record = Record::default();
        let length = Splitter::default().split(text, &mut record)?;
        Ok((length, record.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()))
    }

    #[test]
    fn a_record_is_split_where_it_ends() {
        let fields = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(split(b"a,b\nc,d\n"), Ok((4, fields(&["a", "b"]))));
        assert_eq!(split(b"a,\"b\n\"\"c\",\r\n"), Ok((11, fields(&["a", "b\n\"c", ""]))));
        assert_eq!(split(b"a,"), Ok((2, fields(&["a", ""]))));
        assert_eq!(split(b"a,\"b\nc,d\n"), Err(Fault::OpenQuote));
    }

    #[test]
    fn a_record_has_bounds() {
        assert_eq!(split(&[b','; FIELDS_LIMIT - 1]).map(|(_, fields)| fields.len()), Ok(FIELDS_LIMIT));
        assert_eq!(split(&[b','; 5000]), Err(Fault::TooManyFields));
        assert_eq!(split(&[b'x'; FIELD_LIMIT + 1]), Err(Fault::FieldTooLong));
        assert_eq!(split(&[b'x'; 3 * RECORD_LIMIT]), Err(Fault::TooLong));
    }
}
