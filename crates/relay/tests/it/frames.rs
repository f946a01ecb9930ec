//! Frames by hand.

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame as a client sends it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, true, payload.len() as u64);
    frame.extend(
        payload
            .iter()
            .zip(KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// A frame as a server sends it.
pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, false, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

/// The header alone, its length in the shortest form.
pub(crate) fn header(first: u8, is_masked: bool, length: u64) -> Vec<u8> {
    let bit = if is_masked { 0x80 } else { 0 };
    let mut header = vec![first];
    match length {
        0..=125 => header.push(bit | u8::try_from(length).unwrap()),
        126..=0xffff => {
            header.push(bit | 126);
            header.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            header.push(bit | 127);
            header.extend_from_slice(&length.to_be_bytes());
        }
    }
    if is_masked {
        header.extend_from_slice(&KEY);
    }
    header
}

/// A close payload.
pub(crate) fn closing(code: u16, reason: &str) -> Vec<u8> {
    [code.to_be_bytes().as_slice(), reason.as_bytes()].concat()
}
