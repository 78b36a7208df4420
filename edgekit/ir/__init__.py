"""The intermediate representation: an immutable graph of quantised tensors and ops."""
