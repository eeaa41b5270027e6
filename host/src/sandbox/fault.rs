//! What went wrong inside a guest, as data.

use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::model::{Fault, FaultKind};

use super::instance::TooMuch;

/// What wasmtime says when a guest hands over more than it may in one call. It gives no type for this, so this is the
/// one place where its words are matched; a test fails when they change.
const CALL_TOO_LARGE: &str = "fuel allocated for hostcalls has been exhausted";

/// How many bytes of a trap's stack are kept.
const MOST_STACK_BYTES: usize = 8 * 1024;

/// The fault behind an error of wasmtime. `printed` is what the guest wrote to its standard error.
pub(super) fn of_error(error: &wasmtime::Error, printed: &str) -> Fault {
    let (kind, message) = reason(error, printed);
    let stack = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    let mut trace = printed.trim_end().to_owned();
    if !stack.is_empty() {
        if !trace.is_empty() {
            trace.push('\n');
        }
        trace.extend(stack.chars().take(MOST_STACK_BYTES));
    }
    Fault { kind, message, trace }
}

/// A fault without a stack: the guest answered, but not with what may be answered.
pub(super) fn of_answer(kind: FaultKind, message: impl Into<String>) -> Fault {
    Fault { kind, message: message.into(), trace: String::new() }
}

fn reason(error: &wasmtime::Error, printed: &str) -> (FaultKind, String) {
    if let Some(too_much) = error.downcast_ref::<TooMuch>() {
        return (FaultKind::Memory, too_much.to_string());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => {
            let message = "ran longer than its limit of time; look for a loop without end";
            return (FaultKind::Deadline, message.to_owned());
        }
        Some(Trap::StackOverflow) => {
            let message = "recursed deeper than its stack; look for a recursion without end";
            return (FaultKind::Stack, message.to_owned());
        }
        _ => {}
    }
    let root = error.root_cause().to_string();
    if root.contains(CALL_TOO_LARGE) {
        return (FaultKind::Output, "handed over far more bytes than its limit".to_owned());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        let message = format!("called exit({}); a flow answers, it does not exit", exit.0);
        return (FaultKind::Panic, message);
    }
    (FaultKind::Panic, last_words(printed).unwrap_or(root))
}

/// What a guest said of its own end: the message of a Rust panic, else the last line that it wrote (where Python and
/// JavaScript put theirs).
fn last_words(printed: &str) -> Option<String> {
    const TRACEBACK: &str = "Traceback (most recent call last):";
    // An exception ends a Python guest by way of a panic of its runtime, which says nothing of it.
    if let Some(start) = printed.rfind(TRACEBACK) {
        let lines = printed.get(start + TRACEBACK.len()..)?.lines().skip(1);
        let message = lines.take_while(|line| !line.trim().is_empty()).filter(|line| !line.starts_with(' ')).last()?;
        return Some(message.chars().take(1_000).collect());
    }
    // What a JavaScript guest throws is taken for the contract's `fault`, which it is not.
    if let Some(thrown) = thrown(printed) {
        return Some(thrown.chars().take(1_000).collect());
    }
    let said = match printed.rfind("panicked at ") {
        Some(start) => printed.get(start..)?,
        None => printed.trim_end().lines().last()?,
    };
    let lines: Vec<_> =
        said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note: ")).collect();
    let message = lines.join(" ");
    (!message.is_empty()).then_some(message.chars().take(1_000).collect())
}

/// The exception in the complaint of componentize-js about it.
fn thrown(printed: &str) -> Option<&str> {
    let (_, complaint) = printed.rsplit_once("invalid variant tag value `undefined` (received `")?;
    complaint.split_once("`) specified for").map(|(thrown, _)| thrown)
}

#[cfg(test)]
mod tests {
    use super::last_words;

    #[test]
    fn a_panic_tells_its_reason() {
        let rust = "\nthread '<unnamed>' panicked at src/lib.rs:14:58:\nboom\nnote: run with `RUST_BACKTRACE=1`\n";
        assert_eq!(last_words(rust).unwrap(), "panicked at src/lib.rs:14:58: boom");
        let python = "Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'name'\n";
        assert_eq!(last_words(python).unwrap(), "KeyError: 'name'");
        let runtime = "\nthread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:\nPython function threw\n";
        assert_eq!(last_words(&format!("{python}{runtime}")).unwrap(), "KeyError: 'name'");
        let script = "invalid variant tag value `undefined` (received `TypeError: a is null`) specified for `Fault`\n\
            Stack:\n  advance@/tmp/initializer.js:1246:17\n\nRedirecting call to abort() to mozalloc_abort\n";
        assert_eq!(last_words(script).unwrap(), "TypeError: a is null");
        assert_eq!(last_words(" \n"), None);
    }
}
