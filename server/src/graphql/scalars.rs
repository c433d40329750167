//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::{clock::Timestamp, error::Error};

/// An instant in UTC, RFC 3339 with milliseconds, such as 2026-11-21T09:15:00.000Z.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateTime(pub(crate) Timestamp);

/// An instant in UTC as RFC 3339 writes it, with milliseconds, such as 2026-11-21T09:15:00.000Z.
#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let at = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            .map_err(|_| {
                InputValueError::custom("needs an instant such as 2026-11-21T09:15:00Z")
            })?;
        let millis = i64::try_from(at.unix_timestamp_nanos() / 1_000_000)
            .map_err(|_| InputValueError::custom("is too far away"))?;
        Ok(Self(Timestamp::from_millis(millis)))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Timestamp> for DateTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A day in UTC, such as 2026-11-21.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Date(pub(crate) time::Date);

/// A day in UTC as ISO 8601 writes it, such as 2026-11-21.
#[Scalar(name = "Date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        time::Date::parse(text, DATE)
            .map(Self)
            .map_err(|_| InputValueError::custom("needs a day such as 2026-11-21"))
    }

    fn to_value(&self) -> Value {
        self.0.format(DATE).map_or(Value::Null, Value::String)
    }
}

const DATE: &[time::format_description::BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year]-[month]-[day]");

impl TryFrom<Timestamp> for Date {
    type Error = Error;

    /// The day that an instant is in.
    fn try_from(at: Timestamp) -> Result<Self, Error> {
        let nanos = i128::from(at.as_millis()) * 1_000_000;
        time::OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .map(|at| Self(at.date()))
            .map_err(Error::internal)
    }
}
