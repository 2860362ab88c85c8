//! Reading protocol buffers: the fields of a message, one after the other.

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'b> {
    Integer(u64),
    Fixed32(u32),
    Fixed64(u64),
    /// A string, bytes or a message.
    Bytes(&'b [u8]),
}

impl<'b> Field<'b> {
    pub(super) fn integer(self) -> Option<u64> {
        if let Field::Integer(value) = self { Some(value) } else { None }
    }

    pub(super) fn float(self) -> Option<f32> {
        if let Field::Fixed32(bits) = self { Some(f32::from_bits(bits)) } else { None }
    }

    pub(super) fn bytes(self) -> Option<&'b [u8]> {
        if let Field::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// The numbers and values of the fields of the message `bytes`; none if it is no message.
pub(super) fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Field::Integer(varint(&mut bytes)?),
            1 => Field::Fixed64(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Field::Bytes(take(&mut bytes, length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?)),
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Field, fields};

    #[test]
    fn fields_are_read_in_order_and_cut_messages_refused() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 0, 0, 0x80, 0x3f];
        let read = fields(&bytes).unwrap();
        assert_eq!(
            read,
            [(1, Field::Integer(150)), (2, Field::Bytes(b"hi")), (3, Field::Fixed32(0x3f80_0000))]
        );
        for end in [1, 2, 4, 5, 6, 8, 11] {
            assert_eq!(fields(&bytes[..end]), None, "{end}");
        }
        assert_eq!(fields(&[0x0b]), None);
        assert_eq!(fields(&[0x80; 12]), None);
    }
}
