//! The stock components: written with the public SDK in `plugins/`, embedded in the binary.

/// What follows `stock:` in `flow.toml`, with the component's bytes.
pub const STOCK: [(&str, &[u8]); 3] = [
    ("qualify", include_bytes!("../../../plugins/built/qualify.wasm")),
    ("crm-map", include_bytes!("../../../plugins/built/crm-map.wasm")),
    ("status-actions", include_bytes!("../../../plugins/built/status-actions.wasm")),
];

/// The bytes of a stock component.
pub(super) fn stock(name: &str) -> Option<&'static [u8]> {
    STOCK.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}
