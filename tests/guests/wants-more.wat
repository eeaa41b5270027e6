;; A component built for a later 0.1 of the contract, which calls a function that this host does not have.
(component
  (import "relais:flow/host@0.1.9" (instance
    (export "weather" (func (result string)))))
  (instance $script)
  (export "relais:flow/qualification@0.1.9" (instance $script)))
