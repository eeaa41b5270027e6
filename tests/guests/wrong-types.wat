;; A component whose functions have the contract's names and not its types.
(component
  (core module $code
    (func (export "nothing")))
  (core instance $code (instantiate $code))
  (func $nothing (canon lift (core func $code "nothing")))
  (instance $script
    (export "configure" (func $nothing))
    (export "advance" (func $nothing)))
  (export "relais:flow/qualification@0.1.0" (instance $script)))
