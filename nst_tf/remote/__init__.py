"""Painting with a model that a server has: TensorFlow Serving, over gRPC or REST, without TensorFlow here.

One file a protocol. A connection has `signatures(deadline)`, `predict(signature, inputs, deadline)` and
`close()`, is for several threads at once, and raises `retries.Failure` for whatever goes wrong.
"""
