//! A toy ear: how loud a piece of PCM16 audio is, and whether somebody might be speaking.

use serde::Serialize;

/// What the demo's speech upstream answers to each message.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Heard {
    /// Root mean square, 0 to 1.
    level: f64,
    /// Loud enough to be a voice.
    voice: bool,
}

/// Judges little-endian PCM16 samples; an odd last byte is left out.
pub(super) fn hear(pcm: &[u8]) -> Heard {
    let samples = pcm.chunks_exact(2).map(|pair| match pair {
        [low, high] => f64::from(i16::from_le_bytes([*low, *high])) / FULL_SCALE,
        _ => 0.0,
    });
    let (sum, count) = samples.fold((0.0, 0_u32), |(sum, count), sample| {
        (sample.mul_add(sample, sum), count.saturating_add(1))
    });
    let level = (sum / f64::from(count.max(1))).sqrt();
    Heard {
        level: (level * 1000.0).round() / 1000.0,
        voice: level >= VOICE_LEVEL,
    }
}

/// One above the largest sample.
const FULL_SCALE: f64 = 32_768.0;

/// About -36 dB below full scale: above a quiet room, below speech at arm's length.
const VOICE_LEVEL: f64 = 0.016;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_not_a_voice() {
        let expected = Heard {
            level: 0.0,
            voice: false,
        };
        assert_eq!(hear(&[0; 3200]), expected);
        assert_eq!(hear(&[]), expected);
        assert_eq!(hear(&[7]), expected);
    }

    #[test]
    fn full_scale_is() {
        let loudest: Vec<u8> = std::iter::repeat_n(i16::MIN.to_le_bytes(), 100)
            .flatten()
            .collect();
        let heard = hear(&loudest);
        assert!(heard.voice);
        assert!((heard.level - 1.0).abs() < 0.001, "{heard:?}");
    }
}
