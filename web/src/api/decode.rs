//! Reads answers of the server. The text is parsed once into a tree, and the generated types are read from the tree by a
//! deserializer that knows only what GraphQL answers hold: objects, lists, strings, numbers, booleans and null. `serde_json`'s own
//! one would be compiled anew into each generated type, with readers for forms that never come; it made a fifth of the app.

use crate::api::enums::ErrorCode;
use crate::api::{ApiError, Cause};
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde_json::{Map, Value};
use std::fmt;

/// A tree does not have the shape that was asked for: the name of a field that is missing or there twice, or nothing. Small,
/// without a text of its own, because each generated type carries the ways to it.
#[derive(Debug)]
struct Fault(&'static str);

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the answer has another shape ")?;
        formatter.write_str(self.0)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("")
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self("")
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self("")
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self("")
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self("")
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self("")
    }

    fn missing_field(field: &'static str) -> Self {
        Self(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self(field)
    }
}

/// Reads the text of an answer.
#[cfg(test)]
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    read(data_of(parse(text)?)?)
}

/// Reads an answer to an operation. An error in it wins over data beside it, because our operations ask only for what
/// the viewer may see.
pub(crate) fn decode_tree<T: DeserializeOwned>(answer: Value) -> Result<T, ApiError> {
    read(data_of(answer)?)
}

/// Parses the text of an answer.
pub(crate) fn parse(text: &str) -> Result<Value, ApiError> {
    serde_json::from_str(text)
        .map_err(|error| ApiError::local(Cause::Unreadable, error.to_string()))
}

fn read<T: DeserializeOwned>(data: Value) -> Result<T, ApiError> {
    T::deserialize(Tree(data)).map_err(unreadable)
}

fn unreadable(fault: Fault) -> ApiError {
    ApiError::local(Cause::Unreadable, fault.to_string())
}

/// The first error of an answer, if it holds one.
pub(crate) fn error_in(answer: &Value) -> Result<(), ApiError> {
    match answer.get("errors").and_then(|errors| errors.get(0)) {
        Some(error) => Err(error_of(error)),
        None => Ok(()),
    }
}

fn data_of(mut answer: Value) -> Result<Value, ApiError> {
    error_in(&answer)?;
    match answer.get_mut("data").map(Value::take) {
        Some(data @ Value::Object(_)) => Ok(data),
        _ => Err(ApiError::local(
            Cause::Unreadable,
            "the answer holds no data".to_owned(),
        )),
    }
}

fn error_of(error: &Value) -> ApiError {
    let extension = |name: &str| {
        error
            .get("extensions")
            .and_then(|extensions| extensions.get(name))
    };
    let text = |name: &str| extension(name).and_then(Value::as_str).map(str::to_owned);
    ApiError {
        cause: Cause::Code(ErrorCode::of_wire(
            extension("code")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        )),
        message: error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        field: text("field"),
        retry_after_ms: extension("retryAfterMs").and_then(Value::as_f64),
        request_id: text("requestId"),
        provider_message: text("providerMessage"),
    }
}

/// A part of the tree.
struct Tree(Value);

/// A kind of value that no answer of the contract holds.
#[cold]
fn unexpected() -> Fault {
    Fault("")
}

/// Kinds that the generated types never ask for.
macro_rules! refused {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
            Err(unexpected())
        }
    )+};
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Fault;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields::new(fields)),
            _ => Err(unexpected()),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            _ => Err(unexpected()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(unexpected()),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(value),
            _ => Err(unexpected()),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.as_i64() {
            Some(number) => visitor.visit_i64(number),
            None => Err(unexpected()),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.as_f64() {
            Some(number) => visitor.visit_f64(number),
            None => Err(unexpected()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    refused! {
        deserialize_any deserialize_i8 deserialize_i16 deserialize_i32 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_f32 deserialize_char deserialize_bytes deserialize_byte_buf
        deserialize_unit deserialize_map deserialize_identifier
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(unexpected())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(unexpected())
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(unexpected())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(unexpected())
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        Err(unexpected())
    }
}

struct Fields {
    fields: serde_json::map::IntoIter,
    value: Option<Value>,
}

impl Fields {
    fn new(fields: Map<String, Value>) -> Self {
        Self {
            fields: fields.into_iter(),
            value: None,
        }
    }

    #[inline(never)]
    fn next_name(&mut self) -> Option<String> {
        let (name, value) = self.fields.next()?;
        self.value = Some(value);
        Some(name)
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        match self.next_name() {
            Some(name) => seed.deserialize(StringDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(Tree(self.value.take().unwrap_or_default()))
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        match self.0.next() {
            Some(item) => seed.deserialize(Tree(item)).map(Some),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}
