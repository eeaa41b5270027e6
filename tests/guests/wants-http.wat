;; A component that plays the qualification script's part and wants the web.
(component
  (import "wasi:http/outgoing-handler@0.2.6" (instance
    (export "fields" (type (sub resource)))))
  (instance $script)
  (export "relais:flow/qualification@0.1.0" (instance $script)))
