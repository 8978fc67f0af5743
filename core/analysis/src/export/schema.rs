//! JSON Schemas of the exports, derived from the types that are written, so that they cannot differ from them.

use crate::group::key::Key;
use crate::pivot::metric::Metric;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

/// Schema of a value as it is written, with the definitions that it refers to.
#[must_use]
pub fn of_value<T: JsonSchema + ?Sized>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// Schema of a document: the fields of `Head`, and a field `rows` with any number of `Row`.
#[must_use]
pub fn of_document<Head: JsonSchema, Row: JsonSchema>() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let rows = generator.subschema_for::<Vec<Row>>();
    let mut schema = generator.into_root_schema_for::<Head>();
    let fields = schema.ensure_object();
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.insert("rows".to_owned(), rows.into());
    }
    if let Some(Value::Array(required)) = fields.get_mut("required") {
        required.push("rows".into());
    }
    schema
}

/// Schema of a row whose fields depend on the columns that were asked for.
pub(super) fn of_row(fields: impl Iterator<Item = (String, Value)>, required: &[&str]) -> Schema {
    let fields: Map<String, Value> = fields.collect();
    json_schema!({
        "type": "object",
        "properties": fields,
        "patternProperties": { "^unique_": { "type": "integer", "minimum": 0 } },
        "required": required,
        "additionalProperties": false
    })
}

/// Schema of a row with the figures of two sides, each after the name of its part (`baseline_size`), and what follows from both.
pub(super) fn of_compared_row(parts: &[&str]) -> Schema {
    let figures = parts.iter().flat_map(|part| metrics().map(move |(name, schema)| (format!("{part}_{name}"), schema)));
    let derived = [
        ("ratio", typed("number")),
        ("overweight", typed("number")),
        ("change", json!({ "type": "string" })),
        ("is_overweight", json!({ "type": "boolean" })),
    ];
    let derived = derived.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    let fields: Map<String, Value> = keys().chain(figures).chain(derived).collect();
    let unique = format!("^({})_unique_", parts.join("|"));
    json_schema!({
        "type": "object",
        "properties": fields,
        "patternProperties": { unique: { "type": ["number", "null"] } },
        "required": ["ratio", "overweight", "change", "is_overweight"],
        "additionalProperties": false
    })
}

/// Schema of a value of this type or `null`.
pub(super) fn typed(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

/// All key columns, with the values that they can have: a text, an exact number, a list of frames or none.
pub(super) fn keys() -> impl Iterator<Item = (String, Value)> {
    Key::ALL.iter().map(|key| {
        let schema = if key.is_stack() {
            json!({ "type": "array", "items": { "type": "string" }, "description": key.title() })
        } else {
            json!({ "type": ["string", "number", "null"], "description": key.title() })
        };
        (key.name().to_owned(), schema)
    })
}

/// All data columns with a fixed name.
pub(super) fn metrics() -> impl Iterator<Item = (String, Value)> {
    Metric::named().map(|metric| {
        let schema = json!({ "type": ["number", "null"], "description": metric.title() });
        (metric.name(), schema)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(JsonSchema, Serialize)]
    struct Head {
        name: Option<String>,
    }

    #[test]
    fn a_document_has_the_fields_of_its_head_and_rows() {
        let schema = of_document::<Head, u8>().to_value();
        assert_eq!(schema["required"], json!(["name", "rows"]));
        assert_eq!(schema["properties"]["rows"]["items"]["maximum"], 255);
        assert_eq!(schema["properties"]["name"]["type"], json!(["string", "null"]));
        let row = of_row(keys().chain(metrics()), &[]).to_value();
        assert_eq!(row["properties"]["stack"]["type"], "array");
        assert!(row["properties"]["impacting_size"].is_object() && row["properties"]["tag"].is_object());
    }
}
