;; A component from a future that this host does not know.
(component
  (instance $script)
  (export "relais:flow/qualification@9.9.0" (instance $script)))
