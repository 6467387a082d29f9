//! Content coding of large answers: which one the client wants, and gzip of a body that is made
//! piece by piece. It never holds more than one piece of the body.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// gzip if the client accepts it at all and does not like identity more (RFC 9110, 12.5.3).
    pub(super) fn negotiate(headers: &HeaderMap) -> Self {
        let (mut gzip, mut identity, mut any) = (None, None, None);
        let values = headers.get_all(ACCEPT_ENCODING).into_iter();
        for item in values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let slot = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => &mut gzip,
                "identity" => &mut identity,
                "*" => &mut any,
                _ => continue,
            };
            *slot = Some(parts.find_map(quality).unwrap_or(1.0));
        }
        let gzip: f32 = gzip.or(any).unwrap_or(0.0);
        if gzip > 0.0 && gzip >= identity.unwrap_or(0.0) { Self::Gzip } else { Self::Identity }
    }
}

fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().unwrap_or(0.0))
}

/// Compresses pieces as they come.
pub(super) struct Gzip<I> {
    pieces: I,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

/// A piece is handed on when it has grown to this, so that pieces stay few and small.
const PIECE: usize = 32 << 10;

impl<I: Iterator<Item = Bytes>> Gzip<I> {
    pub(super) fn new(pieces: I) -> Self {
        // The fastest level: registry data shrinks to a twentieth at any of them.
        Self { pieces, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }
}

impl<I: Iterator<Item = Bytes>> Iterator for Gzip<I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        // Writing to a Vec does not fail; were it to, the body would end without its trailer and
        // the client would notice.
        while let Some(encoder) = &mut self.encoder {
            let Some(piece) = self.pieces.next() else {
                let rest = self.encoder.take()?.finish().ok()?;
                return Some(rest.into());
            };
            encoder.write_all(&piece).ok()?;
            if encoder.get_ref().len() >= PIECE {
                return Some(std::mem::take(encoder.get_mut()).into());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use http::HeaderValue;

    use super::*;

    fn negotiated(values: &[&'static str]) -> Coding {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        Coding::negotiate(&headers)
    }

    #[test]
    fn gzip_is_sent_to_those_who_ask_for_it() {
        for accept in ["gzip", "br, GZip;q=0.5", "*", "identity;q=0.5, gzip", "x-gzip"] {
            assert_eq!(negotiated(&[accept]), Coding::Gzip, "{accept}");
        }
        assert_eq!(negotiated(&["br", "gzip"]), Coding::Gzip);
        for accept in ["", "br", "gzip;q=0", "gzip; q=0.000, *", "identity, gzip;q=0.5", "gzip;q=x"]
        {
            assert_eq!(negotiated(&[accept]), Coding::Identity, "{accept}");
        }
        assert_eq!(negotiated(&[]), Coding::Identity);
    }

    #[test]
    fn what_is_packed_comes_out_again_and_pieces_stay_small() {
        let mut random = 1_u32;
        let mut noise = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        let pieces: Vec<Bytes> = (0..20).map(|_| (0..10_000).map(|_| noise()).collect()).collect();
        let packed: Vec<Bytes> = Gzip::new(pieces.iter().cloned()).collect();
        assert!(packed.len() > 3 && packed.iter().all(|piece| piece.len() < 2 * PIECE));
        let mut plain = Vec::new();
        GzDecoder::new(&packed.concat()[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, pieces.concat());
    }

    #[test]
    fn nothing_is_packed_too() {
        let packed: Vec<Bytes> = Gzip::new(std::iter::empty()).collect();
        let mut plain = Vec::new();
        GzDecoder::new(&packed.concat()[..]).read_to_end(&mut plain).unwrap();
        assert!(plain.is_empty());
    }
}
