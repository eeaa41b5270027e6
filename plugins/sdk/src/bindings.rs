//! What `wit-bindgen` makes of `wit/`: one module per world, all sharing one set of types.
//!
//! Plugins need nothing from here; the crate's root re-exports the types, and [`export!`](crate::export) does the rest.
#![expect(missing_docs, reason = "generated; the documentation is in wit/")]

/// The world `mapper`; also the home of the types that the three worlds share.
pub mod mapper {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "mapper",
        pub_export_macro: true,
        export_macro_name: "export_mapper",
        default_bindings_module: "relais_sdk::bindings::mapper",
        additional_derives: [PartialEq],
        generate_all,
    });
}

/// The world `qualifier`.
pub mod qualifier {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "qualifier",
        pub_export_macro: true,
        export_macro_name: "export_qualifier",
        default_bindings_module: "relais_sdk::bindings::qualifier",
        additional_derives: [PartialEq],
        with: {
            "relais:flow/types@0.1.0": crate::bindings::mapper::relais::flow::types,
            "relais:flow/host@0.1.0": crate::bindings::mapper::relais::flow::host,
        },
    });
}

/// The world `reactor`.
pub mod reactor {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "reactor",
        pub_export_macro: true,
        export_macro_name: "export_reactor",
        default_bindings_module: "relais_sdk::bindings::reactor",
        additional_derives: [PartialEq],
        with: {
            "relais:flow/types@0.1.0": crate::bindings::mapper::relais::flow::types,
            "relais:flow/host@0.1.0": crate::bindings::mapper::relais::flow::host,
            "relais:flow/reports@0.1.0": crate::bindings::mapper::relais::flow::reports,
        },
    });
}
