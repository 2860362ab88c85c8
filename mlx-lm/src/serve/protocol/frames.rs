//! Frames: a length in four bytes, little end first, and that much JSON.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, ErrorKind, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No request that passes the HTTP limits is longer once translated.
const MAX_FRAME: usize = 128 << 20;

fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    let header = u32::try_from(length).ok().filter(|_| length <= MAX_FRAME);
    let header = header.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the frame is too long"))?;
    frame[..4].copy_from_slice(&header.to_le_bytes());
    Ok(frame)
}

fn length(header: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(header) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    Ok(length)
}

/// Writes one frame.
pub(in crate::serve) fn write_frame(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&encode(message)?)
}

/// Reads one frame; none at the end of the stream.
pub(in crate::serve) fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    match from.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut body = vec![0; length(header)?];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// [`write_frame`], for the front.
pub(in crate::serve) async fn write_frame_async(
    to: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> io::Result<()> {
    to.write_all(&encode(message)?).await
}

/// [`read_frame`], for the front. Not to be cancelled: what was read of a frame would be lost.
pub(in crate::serve) async fn read_frame_async<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    let mut header = [0; 4];
    match from.read_exact(&mut header).await {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    };
    let mut body = vec![0; length(header)?];
    from.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_hostile_ones_are_refused() {
        let mut bytes = vec![];
        write_frame(&mut bytes, &"one").unwrap();
        write_frame(&mut bytes, &"two").unwrap();
        let mut from = bytes.as_slice();
        assert_eq!(read_frame::<String>(&mut from).unwrap().as_deref(), Some("one"));
        assert_eq!(read_frame::<String>(&mut from).unwrap().as_deref(), Some("two"));
        assert_eq!(read_frame::<String>(&mut from).unwrap(), None);
        assert!(read_frame::<String>(&mut &u32::MAX.to_le_bytes()[..]).is_err(), "too long");
        assert!(read_frame::<String>(&mut &bytes[..6]).is_err(), "cut off");
        assert!(read_frame::<String>(&mut &[1, 0, 0, 0, b'x'][..]).is_err(), "not JSON");
    }
}
