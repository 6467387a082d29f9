//! One record through all of its layers: source, base64, JSON, key, URL. A selection in one of them
//! is a selection in all.
//!
//! It decodes only to know places; what the records are is the codec's word.

use std::ops::Range;

use dubbo_k8s_codec::yaml::{Event, Json};

use crate::pod::Value;
use crate::spans::{self, Map};

/// The layers, from the outside in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The text that was pasted.
    Source,
    /// The value of the annotation.
    Base64,
    /// What it decodes to.
    Json,
    /// The key of one record.
    Key,
    /// The URL of its last segment.
    Url,
}

impl Layer {
    /// From the outside in.
    pub const ALL: [Self; 5] = [Self::Source, Self::Base64, Self::Json, Self::Key, Self::Url];

    /// The name in the protocol of the page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Base64 => "base64",
            Self::Json => "json",
            Self::Key => "key",
            Self::Url => "url",
        }
    }
}

/// The layers of one annotation, down to those of one record if there is one.
#[derive(Debug)]
pub struct Layers {
    /// The text of each layer but the source's, which is the document itself.
    texts: [String; 4],
    /// From each layer to the one outside of it.
    maps: [Map; 4],
    /// Where in its own text each layer holds this record.
    focus: [Range<usize>; 4],
    /// Where the annotation's value is written in the source.
    written: Option<usize>,
}

/// The places of one record in the decoded text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    object: Range<usize>,
    /// Quotes included.
    key: Range<usize>,
}

impl Layers {
    /// The layers of the annotation `value`, and of its record `record`.
    pub fn of(source: &str, value: &Value, record: Option<usize>) -> Self {
        let base64 = value.get(source).to_owned();
        let (bytes, to_base64) = spans::base64(&base64);
        let (json, to_bytes) = spans::text(&bytes);
        let place = record.and_then(|record| place(&json, record)).unwrap_or_default();
        let quoted = json.get(place.key.clone()).unwrap_or_default();
        let key = match Json::new(quoted).next_piece().map(|piece| piece.event) {
            Ok(Event::Text(key)) => key.into_owned(),
            _ => String::new(),
        };
        let to_json = spans::written(quoted, &key).shifted(place.key.start);
        let escaped = key.match_indices('/').nth(3).map_or(key.len(), |(at, _)| at + 1);
        let (url, to_key) = spans::percent(key.get(escaped..).unwrap_or_default());
        let written = value.linked.then_some(value.span.start);
        let in_source = spans::written(source.get(value.span.clone()).unwrap_or_default(), &base64);
        // Nothing would begin in the first byte, and that is written in two characters.
        let object = (!place.object.is_empty()).then(|| place.object.clone());
        let focus_base64 =
            object.and_then(|object| to_base64.up(to_bytes.up(object)?)).unwrap_or_default();
        Self {
            focus: [focus_base64, place.object, 0..key.len(), 0..url.len()],
            texts: [base64, json, key, url],
            maps: [
                in_source,
                composed(&to_bytes, &to_base64, &bytes),
                to_json,
                to_key.shifted(escaped),
            ],
            written,
        }
    }

    /// The text of a layer; the source is the document's.
    pub fn text(&self, layer: Layer) -> &str {
        match layer {
            Layer::Source => "",
            inner => self.texts.get(inner as usize - 1).map_or("", String::as_str),
        }
    }

    /// Which of the first `count` records stands at a byte of the decoded text.
    pub fn record_at(&self, byte: usize, count: usize) -> Option<usize> {
        let mut reader = Json::new(self.text(Layer::Json));
        reader.next_piece().ok()?;
        for record in 0..count {
            let item = reader.next_piece().ok()?;
            let end = reader.skip(&item).ok()?;
            if byte < end {
                return (byte + 1 >= item.span.start).then_some(record);
            }
        }
        None
    }

    /// Where a layer holds the record.
    pub fn focus(&self, layer: Layer) -> Range<usize> {
        match layer {
            Layer::Source => self.up(Layer::Base64, self.focus(Layer::Base64)).unwrap_or_default(),
            inner => self.focus.get(inner as usize - 1).cloned().unwrap_or_default(),
        }
    }

    /// The same place in every layer: bytes of each one's text.
    pub fn select(&self, layer: Layer, range: Range<usize>) -> [Option<Range<usize>>; 5] {
        let mut all = [const { None }; 5];
        let mut outward = Some(range.clone());
        for at in Layer::ALL.into_iter().rev().filter(|at| *at <= layer) {
            if at != layer {
                let inner = Layer::ALL.get(at as usize + 1).copied();
                outward = inner.zip(outward).and_then(|(inner, range)| self.up(inner, range));
            }
            if let Some(slot) = all.get_mut(at as usize) {
                slot.clone_from(&outward);
            }
        }
        let mut inward = Some(range);
        for at in Layer::ALL.into_iter().filter(|at| *at > layer) {
            inward = inward.and_then(|range| self.down(at, range));
            if let Some(slot) = all.get_mut(at as usize) {
                slot.clone_from(&inward);
            }
        }
        all
    }

    /// From `inner` to the layer outside of it.
    fn up(&self, inner: Layer, range: Range<usize>) -> Option<Range<usize>> {
        let outer = self.maps.get((inner as usize).checked_sub(1)?)?.up(range)?;
        if inner == Layer::Base64 {
            let at = self.written?;
            return Some(outer.start + at..outer.end + at);
        }
        Some(outer)
    }

    /// To `inner` from the layer outside of it.
    fn down(&self, inner: Layer, range: Range<usize>) -> Option<Range<usize>> {
        let map = self.maps.get((inner as usize).checked_sub(1)?)?;
        if inner == Layer::Base64 {
            let at = self.written?;
            if range.end < at {
                return None;
            }
            return map.down(range.start.saturating_sub(at)..range.end - at);
        }
        map.down(range)
    }
}

/// Text of bytes of base64, as one map from the text to the base64.
fn composed(text: &Map, base64: &Map, bytes: &[u8]) -> Map {
    if std::str::from_utf8(bytes).is_ok() {
        return base64.clone();
    }
    text.through(base64)
}

fn place(json: &str, wanted: usize) -> Option<Place> {
    let mut reader = Json::new(json);
    if reader.next_piece().ok()?.event != Event::List {
        return None;
    }
    for _ in 0..wanted {
        let item = reader.next_piece().ok()?;
        if item.event == Event::Close {
            return None;
        }
        reader.skip(&item).ok()?;
    }
    let item = reader.next_piece().ok()?;
    let mut place = Place { object: item.span.clone(), key: 0..0 };
    if item.event != Event::Map {
        return (item.event == Event::Null).then_some(place);
    }
    loop {
        let name = reader.next_piece().ok()?;
        let Event::Text(member) = &name.event else {
            place.object.end = name.span.end;
            return Some(place);
        };
        let value = reader.next_piece().ok()?;
        if matches!(member.as_ref(), "k" | "K" | "\u{212a}")
            && matches!(value.event, Event::Text(_))
        {
            place.key = value.span.clone();
        }
        reader.skip(&value).ok()?;
    }
}

#[cfg(test)]
mod tests {
    use dubbo_k8s_codec::{Annotation, Record, encode};

    use super::*;

    const KEY: &str =
        "/dubbo/用户.S/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa%3Fgroup%3D%E7%94%A8\"<";

    #[test]
    fn the_layers_agree_with_the_codec() {
        let value = encode([Record::new("/dubbo"), Record::new(KEY), Record::new("\u{1}\\x")]);
        let source = format!("a: b\nann: \"{value}\"\n");
        let at = Value::new(&value, 10..10 + value.len() + 2, &source);
        let annotation = Annotation::decode(&value).unwrap();
        for (record, of) in annotation.records().enumerate() {
            let layers = Layers::of(&source, &at, Some(record));
            assert_eq!(layers.text(Layer::Key), of.key);
        }
        let layers = Layers::of(&source, &at, Some(1));
        assert_eq!(layers.text(Layer::Url), "dubbo://10.0.0.1:20880/a?group=用\"<");
    }

    #[test]
    fn one_selection_lights_up_every_layer() {
        let value = encode([Record::new("/dubbo"), Record::new(KEY)]);
        let source = format!("# 注释\nann: >-\n  {}\n  {}\n", &value[..30], &value[30..]);
        let start = source.find(">-").unwrap();
        let layers =
            Layers::of(&source, &Value::new(&value, start..source.len(), &source), Some(1));
        let url = layers.text(Layer::Url).to_owned();
        let group = url.find("用").unwrap();
        let all = layers.select(Layer::Url, group..group + 3);
        let texts: Vec<String> = Layer::ALL
            .into_iter()
            .zip(&all)
            .map(|(layer, range)| {
                let text =
                    if layer == Layer::Source { source.as_str() } else { layers.text(layer) };
                text[range.clone().unwrap()].to_owned()
            })
            .collect();
        assert_eq!(texts[4], "用");
        assert_eq!(texts[3], "%E7%94%A8");
        assert_eq!(texts[2], "%E7%94%A8");
        assert_eq!(texts[1], texts[0]);
        let (decoded, _) = spans::base64(&value);
        let shown = String::from_utf8_lossy(&decoded);
        assert!(shown.contains("%E7%94%A8"));
        // And the way back: from the line of the source down to the URL.
        let back = layers.select(Layer::Source, all[0].clone().unwrap());
        let found = back[4].clone().unwrap();
        assert!(url[found].contains("用"));
    }

    #[test]
    fn a_place_outside_of_the_record_selects_nothing_in_it() {
        let value = encode([Record::new("/dubbo"), Record::new(KEY)]);
        let layers = Layers::of(&value, &Value::at(0..value.len()), Some(1));
        let all = layers.select(Layer::Json, 0..5);
        assert!(all[1].is_some() && all[3].is_none() && all[4].is_none());
    }

    #[test]
    fn a_refused_annotation_still_has_its_outer_layers() {
        let value = "W3siayI6Ii9kdWJi";
        let layers = Layers::of(value, &Value::at(0..value.len()), None);
        assert_eq!(layers.text(Layer::Json), "[{\"k\":\"/dubb");
        assert_eq!(layers.text(Layer::Url), "");
        assert_eq!(layers.select(Layer::Json, 0..1)[0], Some(0..2));
    }
}
