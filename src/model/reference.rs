//! References as the files write them: `SERVICE` or `SERVICE.OPERATION`, with `\\.` for a dot inside a name.

use super::names::Names;
use super::system::Endpoint;
use crate::diagnostic::{Diagnostic, nearest};
use crate::units::ServiceId;

/// Resolves `SERVICE` or `SERVICE.OPERATION`. A whole match with a service wins, so that ids may contain dots unescaped.
pub(super) fn resolve<'a>(
    reference: &str,
    services: &'a Names,
    operations: impl Fn(ServiceId) -> &'a Vec<String>,
) -> Result<Endpoint, Diagnostic> {
    let unescape = |text: &str| text.replace("\\.", ".");
    if let Some(id) = services.find(&unescape(reference)) {
        return Ok(Endpoint { service: ServiceId(id), operation: None });
    }
    let bytes = reference.as_bytes();
    let dots = (1..bytes.len()).rev().filter(|at| bytes[*at] == b'.' && bytes[at - 1] != b'\\');
    for dot in dots {
        let (service, operation) = (unescape(&reference[..dot]), unescape(&reference[dot + 1..]));
        if let Some(id) = services.find(&service) {
            let known = operations(ServiceId(id));
            return match known.iter().position(|name| *name == operation) {
                Some(at) => Ok(Endpoint { service: ServiceId(id), operation: Some(at as u32) }),
                None if known.is_empty() => {
                    Err(Diagnostic::error("unknown-operation", format!("service `{service}` lists no operations"))
                        .help(format!("write `{service}`, or add `operations: [{operation}]` to it")))
                }
                None => Err(Diagnostic::error("unknown-operation", format!("`{service}` has no operation `{operation}`")).help(
                    match nearest(&operation, known.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{service}.{near}`?"),
                        None => format!("it has {}", known.join(", ")),
                    },
                )),
            };
        }
    }
    let stem = reference.split('.').next().unwrap_or(reference);
    Err(Diagnostic::error("unknown-service", format!("there is no service `{reference}`"))
        .suggest(reference, services.iter())
        .or_suggest(stem, services.iter()))
}

impl Diagnostic {
    fn or_suggest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if self.help.is_some() { self } else { self.suggest(wrong, known) }
    }
}
