//! A configured instance becomes a component that starts configured.

use wasmtime::{
    Store,
    component::{Instance, Lift, WasmList},
};
use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use super::instance::{self, State};

/// More than any memory, because reading one out counts as handing it over.
const UNLIMITED: usize = usize::MAX;
/// Most milliseconds of reading one out; it takes one for each few megabytes.
const MOST_MS: u64 = 10_000;

/// The same component with accessors to its inner state, to be compiled and configured in its stead; none when its
/// state could not be read out (it changes tables while it runs, for example).
pub(super) fn instrument(wasm: &[u8]) -> Option<(ComponentContext<'_>, Vec<u8>)> {
    Wizer::new().instrument_component(wasm).ok()
}

/// The component whose initial memory is the memory of this instance; none when it cannot be made.
///
/// An instance that holds handles of the host (a stream, a pollable) has no such component: the handles would
/// point nowhere in the instances that start from it.
pub(super) fn take(context: &ComponentContext<'_>, store: &mut Store<State>, instance: Instance) -> Option<Vec<u8>> {
    if !store.data().table.is_empty() {
        return None;
    }
    store.set_hostcall_fuel(UNLIMITED);
    instance::give_time(store, MOST_MS);
    let mut reader = Reader { store, instance, failed: false };
    // Nothing in it waits: the reader's calls are synchronous.
    let image = futures::FutureExt::now_or_never(Wizer::new().snapshot_component(context, &mut reader))?.ok()?;
    (!reader.failed).then_some(image)
}

/// Reads the state of an instrumented instance.
struct Reader<'a> {
    store: &'a mut Store<State>,
    instance: Instance,
    /// The trait leaves no way to tell of a failure; an image that was read with one is thrown away.
    failed: bool,
}

impl Reader<'_> {
    fn read<R: Lift + Send + Sync + 'static>(&mut self, interface: &str, function: &str) -> Option<R> {
        let value = self.call(interface, function);
        self.failed |= value.is_none();
        value
    }

    fn call<R: Lift + Send + Sync + 'static>(&mut self, interface: &str, function: &str) -> Option<R> {
        let (_, interface) = self.instance.get_export(&mut *self.store, None, interface)?;
        let (_, function) = self.instance.get_export(&mut *self.store, Some(&interface), function)?;
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, function).ok()?;
        Some(function.call(&mut *self.store, ()).ok()?.0)
    }
}

impl ComponentInstanceState for Reader<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.read::<WasmList<u8>>(instance, func) {
            Some(list) => contents(list.as_le_slice(&*self.store)),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.read(instance, func).unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.read(instance, func).unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.read::<f32>(instance, func).unwrap_or_default().to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.read::<f64>(instance, func).unwrap_or_default().to_bits()
    }
}
