;; A component that never gets to the end of its start.
(component
  (core module $code
    (func $start (loop $again (br $again)))
    (start $start)
    (func (export "nothing")))
  (core instance $code (instantiate $code))
  (func $nothing (canon lift (core func $code "nothing")))
  (instance $script
    (export "configure" (func $nothing))
    (export "advance" (func $nothing)))
  (export "relais:flow/qualification@0.1.0" (instance $script)))
