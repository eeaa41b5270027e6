;; A component that makes its table grow until it is stopped, before it was asked anything.
(component
  (core module $code
    (table $table 1 funcref)
    (func $start
      (loop $again
        (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 100000)) (i32.const -1)))))
    (start $start)
    (func (export "nothing")))
  (core instance $code (instantiate $code))
  (func $nothing (canon lift (core func $code "nothing")))
  (instance $script
    (export "configure" (func $nothing))
    (export "advance" (func $nothing)))
  (export "relais:flow/qualification@0.1.0" (instance $script)))
