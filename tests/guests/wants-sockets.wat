;; A component that plays the qualification script's part and wants the network.
(component
  (import "wasi:sockets/tcp@0.2.6" (instance
    (export "tcp-socket" (type (sub resource)))))
  (instance $script)
  (export "relais:flow/qualification@0.1.0" (instance $script)))
