//! Properties of record framing and event decoders for arbitrary input.

use poolscope_etl::record::{Record, RecordKey, Records};
use poolscope_synth::writer::{
    EventHeader, EventInstanceHeader, EventTraceHeader, ExtendedItem, Guid, KernelHeader, KernelHeaderForm,
    RecordHeader, TraceMessageHeader, Width,
};
use proptest::prelude::*;
use std::ops::Range;

/// A record to be written.
#[derive(Debug, Clone)]
struct Planned {
    shape: Shape,
    wide: bool,
    key: (u128, u8, u16),
    version: u8,
    ticks: i64,
    owner: (u32, u32),
    counters: Vec<u64>,
    pebs: Option<u64>,
    items: Vec<Vec<u8>>,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    Kernel(KernelHeaderForm),
    Full,
    Instance,
    Event,
    Message,
}

fn planned() -> impl Strategy<Value = Planned> {
    let shape = prop_oneof![
        Just(Shape::Kernel(KernelHeaderForm::System)),
        Just(Shape::Kernel(KernelHeaderForm::Compact)),
        Just(Shape::Kernel(KernelHeaderForm::PerfInfo)),
        Just(Shape::Full),
        Just(Shape::Instance),
        Just(Shape::Event),
        Just(Shape::Message),
    ];
    let head = (shape, any::<bool>(), any::<(u128, u8, u16)>(), any::<u8>(), any::<i64>(), any::<(u32, u32)>());
    let items = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4);
    let rest = (
        prop::collection::vec(any::<u64>(), 0..8),
        any::<Option<u64>>(),
        items,
        prop::collection::vec(any::<u8>(), 0..200),
    );
    (head, rest).prop_map(|((shape, wide, key, version, ticks, owner), (counters, pebs, items, payload))| Planned {
        shape,
        wide,
        key,
        version,
        ticks,
        owner,
        counters,
        pebs,
        items,
        payload,
    })
}

impl Planned {
    /// Appends the record to `out` and returns the range of its payload there.
    fn write(&self, out: &mut Vec<u8>) -> Range<usize> {
        let width = if self.wide { Width::Bits64 } else { Width::Bits32 };
        let (guid, opcode, hook) = (Guid::new(self.key.0), self.key.1, self.key.2);
        let (pid, tid) = self.owner;
        let full = EventTraceHeader {
            width,
            guid,
            opcode,
            level: 3,
            version: u16::from(self.version),
            ticks: self.ticks,
            pid,
            tid,
        };
        let items: Vec<ExtendedItem<'_>> = self.items.iter().map(|data| ExtendedItem { kind: 6, data }).collect();
        let head = match self.shape {
            Shape::Kernel(form) => {
                let base = KernelHeader::new(form, width, hook, self.version, self.ticks, self.owner);
                RecordHeader::Kernel(KernelHeader { pebs: self.pebs, counters: &self.counters, ..base })
            }
            Shape::Full => RecordHeader::Full(full),
            Shape::Instance => {
                RecordHeader::Instance(EventInstanceHeader { full, instance: 1, parent: 2, parent_guid: guid })
            }
            Shape::Event => RecordHeader::Event(EventHeader {
                width,
                guid,
                id: hook,
                version: self.version,
                opcode,
                level: 3,
                task: 4,
                keyword: 5,
                ticks: self.ticks,
                pid,
                tid,
                items: &items,
            }),
            Shape::Message => {
                RecordHeader::Message(TraceMessageHeader { number: hook, guid, ticks: self.ticks, pid, tid })
            }
        };
        head.write(out, (head.len() + self.payload.len()) as u16);
        let start = out.len();
        out.extend_from_slice(&self.payload);
        let end = out.len();
        out.resize(end.next_multiple_of(8), 0xEE);
        start..end
    }

    fn check(&self, record: &Record<'_>, body: &[u8], payload: &Range<usize>) -> Result<(), TestCaseError> {
        let guid = Guid::new(self.key.0).to_string();
        match (self.shape, record.key) {
            (Shape::Kernel(_), RecordKey::Hook(hook)) => prop_assert_eq!(hook, self.key.2),
            (Shape::Full | Shape::Instance | Shape::Event, RecordKey::Provider { guid: found, opcode }) => {
                prop_assert_eq!((found.to_string(), opcode), (guid, self.key.1));
            }
            (Shape::Message, RecordKey::Message) => return Ok(()),
            (shape, key) => prop_assert!(false, "{:?} was read as {:?}", shape, key),
        }
        prop_assert_eq!(record.payload, &body[payload.clone()]);
        prop_assert_eq!((record.version, record.time), (self.version, Some(self.ticks)));
        prop_assert_eq!(record.pointer_size, if self.wide { 8 } else { 4 });
        let named = !matches!(self.shape, Shape::Kernel(KernelHeaderForm::PerfInfo));
        prop_assert_eq!(record.process.zip(record.thread), named.then_some(self.owner));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_records_are_read_back(plan in prop::collection::vec(planned(), 0..20)) {
        let mut body = Vec::new();
        let payloads: Vec<Range<usize>> = plan.iter().map(|record| record.write(&mut body)).collect();
        let mut records = Records::new(&body);
        let found: Vec<Record<'_>> = records.by_ref().collect();
        prop_assert_eq!((found.len(), records.damage()), (plan.len(), None));
        for ((record, planned), payload) in found.iter().zip(&plan).zip(&payloads) {
            planned.check(record, &body, payload)?;
        }
    }

    #[test]
    fn arbitrary_bytes_are_framed_within_their_bounds(body in prop::collection::vec(any::<u8>(), 0..600), marker in any::<bool>()) {
        let mut body = body;
        if marker {
            // Hardly any random bytes begin like a record.
            for at in (3..body.len()).step_by(8) {
                body[at] = 0xC0;
            }
        }
        let mut records = Records::new(&body);
        let mut end = 0;
        for record in records.by_ref() {
            prop_assert!(record.offset >= end && record.offset % 8 == 0);
            let start = record.payload.as_ptr() as usize - body.as_ptr() as usize;
            prop_assert!(start >= record.offset && start + record.payload.len() <= body.len());
            end = record.offset + 8;
        }
        if let Some((at, _)) = records.damage() {
            prop_assert!(at >= end && at < body.len());
        }
        prop_assert!(records.next().is_none());
    }
}
