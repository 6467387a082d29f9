//! Layers of an annotation, and a place in one of them as a place in all.
//!
//! Units of what is sent are UTF-16; bytes never leave this file.

use std::ops::Range;

use serde::Serialize;

use super::{CLIP, Shown};
use crate::layers::{Layer, Layers};
use crate::model::Pod;
use crate::pod::Value;
use crate::source;
use crate::spans::{from_utf16, to_utf16};

/// A layer's text, cut to what carries the record, and how much of it is before and after.
#[derive(Debug, Serialize)]
pub(super) struct LayerData {
    id: &'static str,
    text: String,
    before: usize,
    after: usize,
}

/// The place in each layer: its start and its end, or nothing.
#[derive(Debug, Default, Serialize)]
pub struct Places {
    source: Vec<usize>,
    base64: Vec<usize>,
    json: Vec<usize>,
    key: Vec<usize>,
    url: Vec<usize>,
}

/// The Pod and the record at a place.
#[derive(Debug, Default, Serialize)]
pub struct Target {
    pod: Option<usize>,
    record: Option<usize>,
}

impl Shown<'_> {
    pub(super) fn layers(&self, at: usize, record: Option<usize>) -> Layers {
        let value = self.pod(at).and_then(|pod| match &pod.edits {
            Some(edits) => Some(Value::made(edits.value())),
            None => pod.text.annotation.clone(),
        });
        Layers::of(self.source, &value.unwrap_or_else(|| Value::made("")), record)
    }

    /// The layers below the source, each cut to what carries the record.
    pub(super) fn layers_shown(layers: &Layers) -> Vec<LayerData> {
        let one = |layer: Layer| {
            let (text, clip) = (layers.text(layer), clip(layers, layer));
            let shown = text.get(clip.clone()).unwrap_or_default();
            let units = |at: usize| to_utf16(text, at);
            LayerData {
                id: layer.as_str(),
                text: shown.to_owned(),
                before: units(clip.start),
                after: units(text.len()) - units(clip.end),
            }
        };
        Layer::ALL.into_iter().skip(1).map(one).collect()
    }

    /// The places in every layer that a selection in one of them lights up.
    pub fn select(
        &self,
        at: usize,
        record: Option<usize>,
        layer: Layer,
        units: Range<usize>,
    ) -> Option<Places> {
        self.model.value(at, self.source)?;
        let layers = self.layers(at, record);
        let start = self.window_start(Some(at));
        let (text, base) = match layer {
            Layer::Source => (self.source.get(start..).unwrap_or_default(), start),
            inner => {
                let clip = clip(&layers, inner);
                (layers.text(inner).get(clip.clone()).unwrap_or_default(), clip.start)
            }
        };
        let range = base + from_utf16(text, units.start)..base + from_utf16(text, units.end);
        Some(self.places(&layers, layer, range, start))
    }

    pub(super) fn places(
        &self,
        layers: &Layers,
        layer: Layer,
        range: Range<usize>,
        start: usize,
    ) -> Places {
        let mut places = Places::default();
        for (at, place) in Layer::ALL.into_iter().zip(layers.select(layer, range)) {
            let units = place.and_then(|place| match at {
                Layer::Source => source::in_window(self.source, start, &place),
                inner => {
                    let clip = clip(layers, inner);
                    let text = layers.text(inner).get(clip.clone())?;
                    if place.end <= clip.start || place.start >= clip.end {
                        return None;
                    }
                    let units = |at: usize| to_utf16(text, at.saturating_sub(clip.start));
                    Some([units(place.start), units(place.end)])
                }
            });
            *places.of(at) = units.map_or_else(Vec::new, Vec::from);
        }
        places
    }

    /// The Pod and record at a byte of the source.
    pub fn at(&self, offset: usize) -> Target {
        let inside = |pod: &&Pod| pod.text.span.start <= offset && offset <= pod.text.span.end;
        let pods = &self.model.pods;
        let next = pods.partition_point(|pod| pod.text.span.start <= offset);
        let Some(at) = next.checked_sub(1).filter(|at| pods.get(*at).as_ref().is_some_and(inside))
        else {
            return Target::default();
        };
        let layers = self.layers(at, None);
        let records = self.pod(at).and_then(|pod| pod.records).unwrap_or(0);
        let [_, _, byte, ..] = layers.select(Layer::Source, offset..offset + 1);
        let record = byte.and_then(|byte| layers.record_at(byte.start, records));
        Target { pod: Some(at), record }
    }
}

impl Target {
    /// A Pod, and a record of it.
    pub const fn new(pod: usize, record: Option<usize>) -> Self {
        Self { pod: Some(pod), record }
    }
}

impl Places {
    fn of(&mut self, layer: Layer) -> &mut Vec<usize> {
        match layer {
            Layer::Source => &mut self.source,
            Layer::Base64 => &mut self.base64,
            Layer::Json => &mut self.json,
            Layer::Key => &mut self.key,
            Layer::Url => &mut self.url,
        }
    }
}

/// What of a layer is sent: what carries the record, else what surrounds the beginning.
fn clip(layers: &Layers, layer: Layer) -> Range<usize> {
    let text = layers.text(layer);
    let focus = layers.focus(layer);
    let focus = if focus.is_empty() { 0..text.len() } else { focus };
    let end = focus.end.min(focus.start + CLIP);
    text.floor_char_boundary(focus.start)..text.floor_char_boundary(end)
}
